import type { Json } from "../../../src/core/act.ts";
import type { Done } from "../../../src/core/collector.ts";
import { outcomeOfRefusal, type Refused, wordsOf } from "../client/refused.ts";

/** Why something is not as it was to be: refused by AWS, or answered and not there. Plain data: a state before may hold it. */
export type No = { readonly kind: "no"; readonly outcome: ReturnType<typeof outcomeOfRefusal>; readonly text: string };
export type Got<T> = { readonly kind: "got"; readonly value: T } | No;

export function refusedBy(refused: Refused): No {
  return { kind: "no", outcome: outcomeOfRefusal(refused.trouble), text: wordsOf(refused) };
}

export function no(text: string): No {
  return { kind: "no", outcome: "failed", text };
}

export function got<T>(value: T): Got<T> {
  return { kind: "got", value };
}

/**
 * How a step ended of which nothing holds because of these; `lead` says what did not come to be. Whatever was changed on the way
 * makes it `failed`: of any other end undo would believe that there is nothing to put back.
 */
export function undone(lead: string, reasons: readonly No[], result: Json, requestIds: readonly string[]): Done {
  const [first, ...others] = new Set(reasons.map(({ outcome }) => outcome));
  const kind = first === undefined || others.length > 0 || requestIds.length > 0 ? "failed" : first;
  return { kind, detail: `${lead}: ${[...new Set(reasons.map(({ text }) => text))].join("; ")}`, result, requestIds };
}

/** Request ids of what changed something, in order. */
export type Trail = { readonly ids: string[] };

/**
 * For `settle`: a lost answer is asked again, since EC2 refuses the repeat as a duplicate. Whoever asks takes that refusal for
 * done and reads back what is there.
 */
export const askAgain = async (): Promise<null> => null;

/** How often a change is looked for before it counts as not there, and the wait in between: EC2 shows its own changes late. */
const looks = 10;
const betweenMs = 1000;

/** Looks until it shows. */
export async function shows(
  look: () => Promise<boolean | No>,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<boolean | No> {
  for (let left = looks; ; left -= 1) {
    const seen = await look();
    if (seen !== false || left <= 1) return seen;
    await sleep(betweenMs, signal);
  }
}
