import { isAtLeast, type ShownLock } from "../core/exhibit.ts";
import type { ExhibitCheck } from "../core/exhibit-check.ts";
import type { Receipt } from "../core/vault.ts";

/** What was never shown cannot be broken. */
export function lockCheck(now: Receipt, shown: ShownLock | null): NonNullable<ExhibitCheck["lock"]> {
  const { lock, mode, retainUntil, legalHold } = now;
  return { lock, mode, retainUntil, legalHold, asRecorded: shown === null || isKept(now, shown) };
}

function isKept(now: Receipt, shown: ShownLock): boolean {
  const kept = now.retainUntil !== null && Date.parse(now.retainUntil) >= Date.parse(shown.retainUntil);
  const held = !shown.legalHold || now.legalHold === true;
  const worth = now.lock === shown.lock ? now.mode === shown.mode : isAtLeast(now.lock, shown.lock);
  return kept && held && worth;
}

export function lockText(lock: ExhibitCheck["lock"], receipt: Receipt | null): string | null {
  if (lock === null || receipt === null) return "its lock could not be read";
  if (lock.lock === "unknown") return `its lock could not be read: ${receipt.text}`;
  if (!lock.asRecorded) return `its lock is not what was recorded: ${receipt.text}`;
  return lock.lock === "irrevocable" ? `locked until ${lock.retainUntil ?? "unknown"}` : `its lock is ${lock.lock}`;
}
