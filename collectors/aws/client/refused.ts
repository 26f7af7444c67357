import type { Json } from "../../../src/core/act.ts";
import type { Done, Opened } from "../../../src/core/collector.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Answer, Refusal } from "./link.ts";

export type Refused = Extract<Answer<unknown>, { readonly kind: "refused" }>;
export type None = Extract<Opened, { readonly kind: "none" }>;

/** A refusal's text may quote what an attacker named, at any length. */
const most = 500;

/** A refusal as a person reads it: which call, why, and what AWS's own log knows it by. */
export function wordsOf({ call, code, text, requestId }: Refused): string {
  const said = text.length > most ? `${text.slice(0, most)}…` : text;
  return `${call}: ${printable(code)}: ${printable(said)} (${requestId === "" ? "no request id" : `request ${printable(requestId)}`})`;
}

/**
 * What a refusal means for an exhibit, a line of a manifest and an act alike. What a conflict or a quota keeps from us is not to be
 * had now; a question that AWS calls wrong is our failure, not the account's state.
 */
export function outcomeOfRefusal(trouble: Refusal): "denied" | "unavailable" | "failed" {
  switch (trouble) {
    case "denied":
      return "denied";
    case "missing":
    case "conflict":
    case "limit":
      return "unavailable";
    case "invalid":
      return "failed";
    default:
      return trouble satisfies never;
  }
}

/** An act that AWS refused: `what` says what did not happen; `requestIds` are of what was asked before. */
export function refusedDone(what: string, refused: Refused, result: Json = null, requestIds: readonly string[] = []): Done {
  return {
    kind: outcomeOfRefusal(refused.trouble),
    detail: `${what}: ${wordsOf(refused)}`,
    result,
    requestIds: withId(requestIds, refused.requestId),
  };
}

/** An exhibit that AWS refused. */
export function refusedNone(what: string, refused: Refused): None {
  return { kind: "none", outcome: outcomeOfRefusal(refused.trouble), detail: `${what}: ${wordsOf(refused)}` };
}

/** Request ids in the order in which they were asked, each once. */
export function withId(ids: readonly string[], id: string): readonly string[] {
  return id === "" || ids.includes(id) ? ids : [...ids, id];
}
