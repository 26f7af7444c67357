import type { LedgerProblem } from "../../core/verdict.ts";

/** Gathers what is wrong, a bounded number of each kind: a ledger of a million bad entries must still give a readable answer. */
export type Problems = {
  add(kind: LedgerProblem["kind"], seq: number | null, text: string): void;
  has(kinds: readonly LedgerProblem["kind"][]): boolean;
  list(): readonly LedgerProblem[];
  /** As if all that `later` was told had been told here now. */
  append(later: Problems): void;
  /** How many of each kind, whether listed or not. */
  readonly counts: ReadonlyMap<LedgerProblem["kind"], number>;
  readonly listed: readonly LedgerProblem[];
};

const LISTED_EACH = 20;

export function gatherProblems(): Problems {
  const listed: LedgerProblem[] = [];
  const counts = new Map<LedgerProblem["kind"], number>();
  const add: Problems["add"] = (kind, seq, text) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    if (count <= LISTED_EACH) listed.push({ kind, seq, text });
  };
  return {
    add,
    append(later) {
      for (const { kind, seq, text } of later.listed) add(kind, seq, text);
      for (const [kind, count] of later.counts) counts.set(kind, (counts.get(kind) ?? 0) + Math.max(0, count - LISTED_EACH));
    },
    counts,
    listed,
    has: (kinds) => kinds.some((kind) => counts.has(kind)),
    list() {
      const more = [...counts].filter(([, count]) => count > LISTED_EACH);
      return [...listed, ...more.map(([kind, count]) => ({ kind, seq: null, text: `${count - LISTED_EACH} more problems of this kind` }))];
    },
  };
}
