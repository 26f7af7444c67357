import { type Act, isOutcomeAct } from "./act.ts";
import type { Held } from "./held.ts";
import type { LockMode, LockWorth, Retention } from "./lock.ts";
import type { Coverage, Outcome } from "./outcome.ts";
import { type OutcomeDetail, parseOutcomeDetail } from "./outcome-detail.ts";
import type { Receipt } from "./vault.ts";

/** One item of evidence, as contract.md's JSON shows it. Byte counts and sequence numbers are decimal strings. */
export type Exhibit = {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly outcome: Outcome;
  readonly detail: string | null;
  readonly bytes: string;
  readonly sha256: string | null;
  readonly files: number | null;
  readonly transform: readonly string[];
  readonly reproducible: boolean;
  readonly coverage: Coverage | null;
  readonly stored: Receipt | null;
  readonly copies: readonly never[];
  readonly acts: readonly string[];
};

/** What an exhibit is now: its outcome act, and the newest read-back of its lock. Null before its outcome. */
export function exhibitFromActs(id: string, acts: readonly Act[]): Exhibit | null {
  const outcome = acts.find((act) => isOutcomeAct(act.act));
  if (outcome === undefined || !isOutcomeAct(outcome.act)) return null;
  const detail = parseOutcomeDetail(outcome);
  const digest = outcome.digests[id];
  const disposal = disposalOf(acts);
  const stored = disposal === null ? (acts.findLast((act) => act.stored !== null)?.stored ?? null) : null;
  // Why it is not sealed belongs beside what happened to the bytes; a directory's lock is said in the receipt itself.
  const notSealed = stored === null || stored.sealed || stored.mode === "directory" ? null : whyNotSealed(stored);
  return {
    id,
    kind: detail.kind,
    name: detail.name,
    outcome: outcome.act,
    detail: [detail.text, notSealed, disposal === null ? null : `disposed of (act ${disposal.seq})`].filter((text) => text !== null).join("; ") || null,
    bytes: digest?.bytes ?? String(detail.held?.bytes ?? 0),
    sha256: digest?.sha256 ?? null,
    files: detail.files,
    transform: detail.transform,
    reproducible: detail.reproducible,
    coverage: detail.coverage,
    stored,
    copies: [],
    acts: acts.map((act) => String(act.seq)),
  };
}

/** What differs from what was asked; where nothing differs, what this lock is worth. */
export function whyNotSealed(receipt: Receipt): string {
  return receipt.problems.length > 0 ? `not sealed: ${receipt.problems.join("; ")}` : receipt.text;
}

/** What became of the evidence, and what is promised of it now: the outcome's promise, lengthened and held by later acts. */
export type Kept =
  | { readonly kind: "stored"; readonly put: NonNullable<OutcomeDetail["put"]> }
  | { readonly kind: "held"; readonly held: Held; readonly target: string | null }
  | { readonly kind: "nothing" };

export function keptOf(acts: readonly Act[]): Kept {
  const outcome = acts.find((act) => isOutcomeAct(act.act));
  if (outcome === undefined || disposalOf(acts) !== null) return { kind: "nothing" };
  const { put, held } = parseOutcomeDetail(outcome);
  if (put !== null) return { kind: "stored", put: { ...put, asked: promised(put.asked, acts) } };
  if (held !== null) return { kind: "held", held: { ...held, asked: promised(held.asked, acts) }, target: outcome.target };
  return { kind: "nothing" };
}

/** The act that says that its store deleted it, after two persons had agreed to that. */
function disposalOf(acts: readonly Act[]): Act | null {
  return acts.find((act) => act.act === "changed" && act.detail["change"] === "disposed" && act.detail["outcome"] === "done") ?? null;
}

function promised(asked: Retention, acts: readonly Act[]): Retention {
  let { retainUntil, legalHold } = asked;
  for (const act of acts) {
    const until = act.detail["retainUntil"];
    if (act.act === "retention-extended" && typeof until === "string") retainUntil = until;
    if (act.act === "held") legalHold = true;
    if (act.act === "hold-cleared") legalHold = false;
    retainUntil = cutTo(act) ?? retainUntil;
  }
  return { ...asked, retainUntil, legalHold };
}

/** The earlier date that two persons agreed to. */
function cutTo(act: Act): string | null {
  const asked = act.act === "retention-cut" ? act.detail["asked"] : null;
  const until: unknown = typeof asked === "object" && asked !== null ? Reflect.get(asked, "retainUntil") : null;
  return typeof until === "string" ? until : null;
}

/** What was asked when it was taken. */
function askedOf(acts: readonly Act[]): Retention | null {
  const outcome = acts.find((act) => isOutcomeAct(act.act));
  if (outcome === undefined) return null;
  const { put, held } = parseOutcomeDetail(outcome);
  return (put ?? held)?.asked ?? null;
}

/** What was promised and shown: a lock that a store once read back as asked, and the later promises that it showed. */
export type ShownLock = { readonly lock: LockWorth; readonly mode: LockMode | null; readonly retainUntil: string; readonly legalHold: boolean };

/** From weakest to strongest; `unknown` shows nothing. */
const worths: readonly LockWorth[] = ["unknown", "none", "removable", "bypassable", "irrevocable"];

export function isAtLeast(now: LockWorth, then: LockWorth): boolean {
  return worths.indexOf(now) >= worths.indexOf(then);
}

/**
 * The lock by which an exhibit is judged: the strongest that was ever read back without problems. A later read-back with problems
 * (a store that was down, or a lock that somebody had weakened) takes nothing from it. Null where none was ever shown.
 */
export function shownLockOf(acts: readonly Act[]): ShownLock | null {
  const asked = askedOf(acts);
  if (asked === null) return null;
  let best: Receipt | null = null;
  let retainUntil: string | null = null;
  let legalHold = false;
  let heldFirst = true;
  for (const act of acts) {
    const { stored } = act;
    const cut = cutTo(act);
    if (cut !== null && retainUntil !== null) retainUntil = cut;
    if (act.act === "hold-cleared") {
      legalHold = false;
      heldFirst = false; // what was asked at the beginning is asked no more
    }
    if (stored === null) continue;
    if (stored.problems.length === 0) {
      if (best === null || !isAtLeast(best.lock, stored.lock)) best = stored;
      retainUntil ??= asked.retainUntil;
      legalHold ||= asked.legalHold && heldFirst;
    }
    const until = act.act === "retention-extended" ? act.detail["retainUntil"] : undefined;
    if (typeof until === "string" && stored.retainUntil !== null && Date.parse(stored.retainUntil) >= Date.parse(until)) retainUntil = until;
    if (act.act === "held" && stored.legalHold === true) legalHold = true;
  }
  return best === null || retainUntil === null ? null : { lock: best.lock, mode: best.mode, retainUntil, legalHold };
}
