import type { ExhibitCheck, OverallVerdict } from "../core/exhibit-check.ts";
import type { LedgerAudit } from "../core/verdict.ts";

/**
 * The worst of ledger and exhibits. Found damage outranks what could not be checked: exit 5 is never hidden behind a 9. A
 * promised lock that is gone is damage too, although the bytes are intact.
 */
export function overallVerdict(ledger: LedgerAudit, exhibits: readonly ExhibitCheck[]): OverallVerdict {
  if (ledger.verdict === "rollback" || ledger.verdict === "fork" || ledger.verdict === "altered") return ledger.verdict;
  if (exhibits.some((e) => e.verdict === "altered" || isLockBroken(e))) return "altered";
  if (exhibits.some((e) => e.verdict === "missing")) return "missing";
  if (ledger.verdict === "unverifiable" || exhibits.some((e) => e.verdict === "unverifiable" || isLockUnread(e))) return "unverifiable";
  return "intact";
}

/** A lock that was promised and read back is now weaker, shorter or gone. Unknown is not broken. */
export function isLockBroken(check: ExhibitCheck): boolean {
  return check.lock !== null && check.lock.lock !== "unknown" && !check.lock.asRecorded;
}

/** The bytes are there, and whether they are still locked could not be read: the promise is unproven, not broken. */
function isLockUnread(check: ExhibitCheck): boolean {
  return check.verdict === "intact" && (check.lock === null || check.lock.lock === "unknown");
}
