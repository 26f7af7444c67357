import type { LedgerProblem, LedgerVerdict } from "../../core/verdict.ts";
import type { Problems } from "./problems.ts";

/** Each of these means that something was changed; `start-without-end` is only told. */
export const altering: readonly LedgerProblem["kind"][] = [
  "leaf-altered",
  "leaf-hash",
  "leaf-form",
  "index-altered",
  "tile-altered",
  "root-differs",
  "signature",
  "checkpoint-altered",
  "chain-broken",
  "exhibit-gap",
  "anchor-altered",
  "schema",
  "actor-signature",
  "two-persons",
];

/** The verdict of what was found, the worst first; `gaps`: entries that are not there. */
export function verdictOf(problems: Problems, gaps: number): LedgerVerdict {
  if (gaps > 0 || problems.has(altering)) return "altered";
  if (problems.has(["fork"])) return "fork";
  if (problems.has(["rollback"])) return "rollback";
  if (problems.has(["head-missing"])) return "unverifiable";
  return problems.has(["entry-missing"]) ? "altered" : "intact";
}
