import type { LedgerProblem, LedgerVerdict } from "../../src/core/verdict.ts";
import type { CampaignHome } from "./homes.ts";
import type { Seeded } from "./seeded.ts";

/**
 * One way of tampering with a home, and what the audit has to say: one of `verdicts`, and at least one problem of `kinds`. Others
 * may follow from it. `make` gives null where the home has nothing of the sort.
 */
export type Edit = {
  readonly name: string;
  readonly verdicts: readonly LedgerVerdict[];
  readonly kinds: readonly LedgerProblem["kind"][];
  /** What a home has to have for it. Nothing said: any home, closed or not. */
  readonly needs?: { readonly acts?: number; readonly wal?: boolean; readonly anchors?: true };
  readonly make: (home: CampaignHome, random: Seeded) => (() => Promise<void> | void) | null;
};

/** The same bytes with one of them changed. */
export function flipped(bytes: Buffer, random: Seeded, from: number = 0, to: number = bytes.length): Buffer {
  const copy = Buffer.from(bytes);
  const at = from + random.int(to - from);
  copy[at] = (copy[at] ?? 0) ^ (1 + random.int(255));
  return copy;
}
