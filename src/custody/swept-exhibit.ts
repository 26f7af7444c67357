import type { Act } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import { exhibitFromActs, keptOf, shownLockOf } from "../core/exhibit.ts";
import type { ExhibitCheck } from "../core/exhibit-check.ts";
import type { SweptLock } from "../core/sweep-report.ts";

/** An exhibit that somebody keeps, and what is promised of it. Null where nobody keeps anything. */
export type Promised = {
  readonly kind: string;
  readonly vault: string | null;
  readonly retainUntil: string;
  readonly shown: boolean;
  /** Two persons decided that it ends then, and nothing has changed that since: no sweep lengthens it again. */
  readonly cut: boolean;
};

export function promisedOf(id: string, acts: readonly Act[]): Promised | null {
  const exhibit = exhibitFromActs(id, acts);
  const kept = keptOf(acts);
  if (exhibit === null || kept.kind === "nothing") return null;
  const { asked } = kept.kind === "held" ? kept.held : kept.put;
  if (Number.isNaN(Date.parse(asked.retainUntil)))
    throw new HoldfastError("unverifiable", `exhibit ${id}: ${JSON.stringify(asked.retainUntil)} is no date to keep it until; audit the ledger`);
  return {
    kind: exhibit.kind,
    vault: kept.kind === "held" ? null : kept.put.vault,
    retainUntil: asked.retainUntil,
    shown: shownLockOf(acts) !== null,
    cut: cutStands(acts) && !asked.legalHold,
  };
}

/** A hold and a later extension change the state that the two persons decided in (facts/legal.md §8: a hold only extends). */
function cutStands(acts: readonly Act[]): boolean {
  let stands = false;
  for (const { act, detail } of acts) {
    if (act === "retention-cut") stands = true;
    if (act === "held" || (act === "retention-extended" && detail["restored"] !== true)) stands = false;
  }
  return stands;
}

export function sweptLockOf({ verdict, lock }: ExhibitCheck, promised: Promised, now: Date): SweptLock {
  if (verdict === "missing" || verdict === "altered") return verdict;
  if (lock === null || lock.lock === "unknown") return "unread";
  if (!promised.shown) return "never-shown";
  if (lock.asRecorded) return "kept";
  const over = Date.parse(promised.retainUntil) <= now.getTime();
  if (!over || (lock.retainUntil !== null && Date.parse(lock.retainUntil) < Date.parse(promised.retainUntil))) return "broken";
  return promised.cut ? "ended" : "lapsed";
}

/** A promise that somebody must hear about: exit 5, and an act. */
export function isPromiseBroken(lock: SweptLock): boolean {
  return lock === "lapsed" || lock === "broken" || lock === "missing" || lock === "altered";
}
