import type { Done, Opened } from "../../src/core/collector.ts";
import { printable } from "../../src/core/printable.ts";
import type { Answer, Refusal } from "./link.ts";

export type Refused = Extract<Answer<unknown>, { readonly kind: "refused" }>;
export type None = Extract<Opened, { readonly kind: "none" }>;

/** A refusal as a person reads it, with what AWS's own log knows it by. */
export function wordsOf({ code, text, requestId }: Refused): string {
  return `${code}: ${printable(text)} (request ${requestId})`;
}

/** What a refusal means for an exhibit and for an act alike. A question that AWS calls wrong is our failure, not the account's state. */
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

export function refusedDone(what: string, refused: Refused): Done {
  return { kind: outcomeOfRefusal(refused.trouble), detail: `${what}: ${wordsOf(refused)}`, result: null, requestIds: [refused.requestId] };
}

export function refusedNone(what: string, refused: Refused): None {
  return { kind: "none", outcome: outcomeOfRefusal(refused.trouble), detail: `${what}: ${wordsOf(refused)}` };
}
