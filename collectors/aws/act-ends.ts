import type { Json } from "../../src/core/act.ts";
import type { Done } from "../../src/core/collector.ts";
import type { CallName } from "./calls.ts";
import { outcomeOfRefusal, type Refused, wordsOf } from "./refused.ts";

/** An act that AWS refused: `lead` says what did not happen. */
export function refusedEnd(lead: string, call: CallName, refused: Refused, result: Json, requestIds: readonly string[]): Done {
  const detail = `${lead}: ${refusalWords(call, refused)}`;
  return { kind: outcomeOfRefusal(refused.trouble), detail, result, requestIds: withId(requestIds, refused.requestId) };
}

export function refusalWords(call: CallName, refused: Refused): string {
  return `${call} ${wordsOf(refused)}`;
}

export function withId(ids: readonly string[], id: string): readonly string[] {
  return id === "" || ids.includes(id) ? ids : [...ids, id];
}
