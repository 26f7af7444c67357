import type { CallName } from "../calls/calls.ts";
import type { Answer } from "./link.ts";
import type { Refused } from "./refused.ts";

export type Pages<O> = { readonly kind: "pages"; readonly pages: readonly O[]; readonly requestIds: readonly string[] } | Refused;

type From = { readonly NextToken?: string };

/** The code of a list that led round: ours, for no service has one. */
export const ledRound = "repeated page token";

/**
 * Page for page: any may be empty and still go on. Ends after a refusal. A token that comes again would lead round for ever; it is a
 * refusal, too, since part of a list must not pass for the whole.
 */
export async function* eachPage<O extends { readonly NextToken?: string | undefined }>(
  call: CallName,
  ask: (from: From) => Promise<Answer<O>>,
): AsyncGenerator<Answer<O>, void, undefined> {
  const tokens = new Set<string>();
  for (let from: From = {}; ; ) {
    const answer = await ask(from);
    yield answer;
    const token = answer.kind === "refused" ? undefined : answer.value.NextToken;
    if (token === undefined || token === "") return;
    if (tokens.has(token)) {
      const { requestId, date, wire } = answer;
      return yield { kind: "refused", call, trouble: "invalid", code: ledRound, text: "what lies behind it cannot be seen", requestId, date, wire };
    }
    tokens.add(token);
    from = { NextToken: token };
  }
}

/** A whole list that fits in memory. */
export async function allPages<O extends { readonly NextToken?: string | undefined }>(
  call: CallName,
  ask: (from: From) => Promise<Answer<O>>,
): Promise<Pages<O>> {
  const pages: O[] = [];
  const requestIds: string[] = [];
  for await (const answer of eachPage(call, ask)) {
    if (answer.kind === "refused") return answer;
    pages.push(answer.value);
    if (answer.requestId !== "") requestIds.push(answer.requestId);
  }
  return { kind: "pages", pages, requestIds };
}
