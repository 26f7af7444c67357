import type { LedgerProblem, LedgerVerdict } from "../../src/core/verdict.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";

/**
 * Each way in which a ledger can be damaged, made by code from a whole one of at least three entries, and what the audit has to
 * say. Stop every writer first. `kind` is one of the problems named; there may be others that follow from it.
 */
export type Damage = {
  readonly name: string;
  readonly verdict: LedgerVerdict;
  readonly kind: LedgerProblem["kind"];
  readonly damage: (paths: LedgerPaths) => Promise<void> | void;
};
