import { terminalSafe } from "../core/printable.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

export function requestDocument(request: CustodyRequest): object {
  return { ...request, seq: String(request.seq), done: request.done === null ? null : String(request.done) };
}

export function requestLine(request: CustodyRequest): string {
  const about = request.exhibits.length > 0 ? request.exhibits.join(" ") : JSON.stringify(request.asked ?? {});
  const by = request.approvedBy === null ? "" : `, approved by ${request.approvedBy}`;
  return terminalSafe(
    `request ${request.request}  ${request.state}  ${request.act}  ${about}  asked by ${request.actor}${by}, until ${request.expires}: ${request.reason ?? ""}`,
  );
}

/** Prints a request that waits, and what comes next. Exit code 6 (contract.md). */
export function presentWaiting(session: Session, request: CustodyRequest): number {
  const document = { schema: "holdfast.request/1", ...requestDocument(request) };
  present(session.output, document, null, () => [requestLine(request), `hash ${request.hash}`]);
  session.output.say(
    `Nothing is done yet: a second person has to agree, with their own key, within 72 h of the request:\n  holdfast approve ${request.request}\nThen give this command again.`,
  );
  return 6;
}
