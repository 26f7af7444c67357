import type { Json } from "../../src/core/act.ts";
import type { Done } from "../../src/core/collector.ts";
import { printable } from "../../src/core/printable.ts";
import type { CallName } from "./calls.ts";
import type { Answer, Refusal } from "./link.ts";

export type Refused = Extract<Answer<unknown>, { kind: "refused" }>;

/** What a refusal is in an act. A quota is no property of the target: asked again another day, it may go. */
const kindOf: Readonly<Record<Refusal, Done["kind"]>> = {
  denied: "denied",
  missing: "unavailable",
  invalid: "unavailable",
  conflict: "unavailable",
  limit: "failed",
};

/** An act that AWS refused: `lead` says what did not happen. */
export function refusedDone(lead: string, call: CallName, refused: Refused, result: Json, requestIds: readonly string[]): Done {
  const detail = `${lead}: ${refusalWords(call, refused)}`;
  return { kind: kindOf[refused.trouble], detail, result, requestIds: withId(requestIds, refused.requestId) };
}

export function refusalWords(call: CallName, { code, text, requestId }: Refused): string {
  return `${call} ${printable(code)}: ${printable(text)}${requestId === "" ? "" : ` (request ${printable(requestId)})`}`;
}

export function withId(ids: readonly string[], id: string): readonly string[] {
  return id === "" || ids.includes(id) ? ids : [...ids, id];
}
