import type { Case } from "../core/case.ts";
import type { RetentionConfig } from "../core/config.ts";
import { retainUntil, wholeSecond } from "../core/retention.ts";
import { parseDuration } from "../core/window.ts";
import type { Promised } from "./swept-exhibit.ts";

export type Renewal = {
  readonly due: boolean;
  /** Nobody decides anew: what was taken away at the store is given back. */
  readonly restores: boolean;
  /** Until when it is to be kept. RFC 3339, whole seconds. */
  readonly until: string;
  /** How long before its end a promise is renewed. Milliseconds. */
  readonly before: number;
};

/**
 * Whether and until when an exhibit is renewed: its own period (the longest of vault, class, kind and severity), counted from now. A
 * period that is short beside `renewBefore` is renewed when half of it has gone: else each sweep would find it due again.
 * What two persons have cut is only given back where its store shows less than they decided.
 * Throws `config` for a class that the configuration no longer has.
 */
export function renewalOf(retention: RetentionConfig, vaultRetain: string, matter: Case, promised: Promised, shownUntil: string | null, now: Date): Renewal {
  if (!promised.cut) return ownPeriod(retention, vaultRetain, matter, promised, shownUntil, now);
  const promise = Date.parse(promised.retainUntil);
  const short = shownUntil !== null && Date.parse(shownUntil) < promise && promise > now.getTime();
  return { due: short, restores: true, until: wholeSecond(new Date(promise + 1000)), before: 0 };
}

function ownPeriod(retention: RetentionConfig, vaultRetain: string, matter: Case, promised: Promised, shownUntil: string | null, now: Date): Renewal {
  const asked = { vault: vaultRetain, class: matter.retention, kinds: [promised.kind], severity: matter.severity, flag: null };
  const period = Date.parse(retainUntil(retention, asked, now));
  const before = Math.min(parseDuration(retention.renewBefore, "retention.renewBefore"), (period - now.getTime()) / 2);
  const promise = Date.parse(promised.retainUntil);
  const shown = shownUntil === null ? promise : Date.parse(shownUntil);
  // A promise that was shortened at the store is given back whole, and an act says that it is later than what stood there.
  const until = Math.max(period, shown, shown < promise ? promise + 1000 : 0);
  return { restores: false, due: Math.min(promise, shown) - now.getTime() <= before, until: wholeSecond(new Date(until)), before };
}
