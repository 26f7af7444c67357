import type { LockMode, LockWorth } from "../core/lock.ts";
import type { ExhibitVerdict, LedgerAudit, VerifyMethod } from "../core/verdict.ts";

/** One exhibit as contract.md's `verify --json` shows it. */
export type ExhibitCheck = {
  readonly id: string;
  readonly verdict: ExhibitVerdict;
  readonly method: VerifyMethod;
  /** Hex; null where no digest was recorded or none was found. */
  readonly recorded: string | null;
  readonly found: string | null;
  readonly lock: {
    readonly lock: LockWorth;
    readonly mode: LockMode | null;
    readonly retainUntil: string | null;
    readonly legalHold: boolean | null;
    readonly asRecorded: boolean;
  } | null;
  readonly text: string;
};

export type OverallVerdict = "intact" | "altered" | "missing" | "rollback" | "fork" | "unverifiable";

/**
 * The worst of ledger and exhibits. Found damage outranks what could not be checked: exit 5 is never hidden behind a 9. A
 * promised lock that is gone is damage too, although the bytes are intact.
 */
export function overallVerdict(ledger: LedgerAudit, exhibits: readonly ExhibitCheck[]): OverallVerdict {
  if (ledger.verdict === "rollback" || ledger.verdict === "fork" || ledger.verdict === "altered") return ledger.verdict;
  if (exhibits.some((e) => e.verdict === "altered" || isLockBroken(e))) return "altered";
  if (exhibits.some((e) => e.verdict === "missing")) return "missing";
  if (ledger.verdict === "unverifiable" || exhibits.some((e) => e.verdict === "unverifiable")) return "unverifiable";
  return "intact";
}

/** A lock that was promised and read back is now weaker, shorter or gone. Unknown is not broken. */
export function isLockBroken(check: ExhibitCheck): boolean {
  return check.lock !== null && check.lock.lock !== "unknown" && !check.lock.asRecorded;
}
