import { actDraft } from "../core/act-draft.ts";
import { type Case, exhibitId } from "../core/case.ts";
import type { RetentionConfig } from "../core/config.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import type { ExhibitCheck } from "../core/exhibit-check.ts";
import type { Clock } from "../core/ports.ts";
import type { Reader } from "../core/recorder.ts";
import type { SweepReport, SweptExhibit } from "../core/sweep-report.ts";
import { extendRetention, type LockContext } from "./lock-acts.ts";
import { renewalOf } from "./renewal.ts";
import { isPromiseBroken, type Promised, promisedOf, sweptLockOf } from "./swept-exhibit.ts";

export type SweepContext = {
  readonly reader: Reader;
  /** Opens what acts are done with; not asked where nothing is changed or found. */
  readonly locks: () => Promise<LockContext>;
  /** Reads an exhibit's lock and checksum back from whoever keeps it. */
  readonly look: (reader: Reader, id: string, signal: AbortSignal) => Promise<ExhibitCheck>;
  readonly retention: RetentionConfig;
  /** How long that vault keeps (null: the default one). Throws `config` for one that the configuration does not have. */
  readonly retainOf: (vault: string | null) => string;
  readonly clock: Clock;
};

/** Exhibits asked about side by side: a store answers in tens of milliseconds, and a home has thousands. */
const SIDE_BY_SIDE = 8;

const never = Number.POSITIVE_INFINITY;

/**
 * Reads every kept exhibit's lock and hold back, and renews those whose promise ends soon (design.md, integrity rule 11). Every case
 * counts as open: this release closes none. What is done is never done twice, so a sweep that was interrupted begins again.
 */
export async function sweepRetention(context: SweepContext, dryRun: boolean, each: (swept: SweptExhibit) => void, signal: AbortSignal): Promise<SweepReport> {
  const sum = { looked: 0, renewed: 0, cut: 0, due: 0, failed: 0, broken: 0, unread: 0, neverShown: 0 };
  let next = never;
  for (const matter of context.reader.cases())
    for (let from = 1; from <= matter.exhibits; from += SIDE_BY_SIDE) {
      signal.throwIfAborted();
      const count = Math.min(SIDE_BY_SIDE, matter.exhibits - from + 1);
      const ids = Array.from({ length: count }, (_, i) => exhibitId(matter.id, from + i));
      // All of them end before one may fail: what was renewed at a store is recorded.
      const ended = await Promise.allSettled(ids.map((id) => sweepOne(context, matter, id, dryRun, signal)));
      for (const end of ended) {
        if (end.status === "rejected") throw end.reason;
        const one = end.value;
        if (one === null) continue;
        const { swept } = one;
        sum.looked += 1;
        if (swept.renewal !== "not-due") sum[swept.renewal] += 1;
        if (isPromiseBroken(swept.lock)) sum.broken += 1;
        if (swept.lock === "unread") sum.unread += 1;
        if (swept.lock === "never-shown") sum.neverShown += 1;
        next = Math.min(next, one.nextDue);
        each(swept);
      }
    }
  return { ...sum, nextDue: Number.isFinite(next) ? new Date(next).toISOString() : null };
}

type Swept = { readonly swept: SweptExhibit; readonly nextDue: number };

async function sweepOne(context: SweepContext, matter: Case, id: string, dryRun: boolean, signal: AbortSignal): Promise<Swept | null> {
  const now = context.clock();
  let promised: Promised | null;
  try {
    promised = promisedOf(id, [...context.reader.acts({ exhibit: id })]);
  } catch (error) {
    // An act that somebody damaged is no reason to let all other locks lapse.
    if (!(error instanceof HoldfastError) || (error.code !== "unverifiable" && error.code !== "altered")) throw error;
    const unread = { exhibit: id, lock: "unread", promisedUntil: null, shownUntil: null, renewal: "not-due", until: null, acts: [] } as const;
    return { swept: { ...unread, text: describeError(error) }, nextDue: now.getTime() };
  }
  if (promised === null) return null;
  const check = await context.look(context.reader, id, signal);
  const lock = sweptLockOf(check, promised, now);
  const shownUntil = check.lock?.retainUntil ?? null;
  const told = { exhibit: id, lock, promisedUntil: promised.retainUntil, shownUntil };
  const acts: string[] = [];
  if (!dryRun && isPromiseBroken(lock)) acts.push(await recordFound(await context.locks(), matter.id, { ...check, id }, lock));
  const renewed = await renew(context, matter, id, promised, shownUntil, lock === "missing" || dryRun, now, signal);
  if (renewed.act !== null) acts.push(renewed.act);
  const { renewal, until } = renewed;
  return { swept: { ...told, renewal, until, acts, text: [check.text, renewed.text].filter(Boolean).join("; ") }, nextDue: renewed.nextDue };
}

type Renewed = Pick<SweptExhibit, "renewal" | "until"> & { readonly act: string | null; readonly text: string; readonly nextDue: number };

async function renew(
  context: SweepContext,
  matter: Case,
  id: string,
  promised: Promised,
  shownUntil: string | null,
  leave: boolean,
  now: Date,
  signal: AbortSignal,
): Promise<Renewed> {
  let until: string | null = null;
  try {
    const wanted = renewalOf(context.retention, context.retainOf(promised.vault), matter, promised, shownUntil, now);
    if (!wanted.due && promised.cut)
      return { renewal: "cut", until: null, act: null, text: `two persons decided that it ends on ${promised.retainUntil}`, nextDue: never };
    if (!wanted.due) return { renewal: "not-due", until: null, act: null, text: "", nextDue: Date.parse(promised.retainUntil) - wanted.before };
    ({ until } = wanted);
    if (leave) return { renewal: "due", until, act: null, text: "", nextDue: now.getTime() };
    const { receipt, act } = await extendRetention(await context.locks(), id, until, signal, wanted.restores);
    const shows = receipt.retainUntil !== null && Date.parse(receipt.retainUntil) >= Date.parse(until);
    const text = shows ? receipt.problems.join("; ") : `the renewal was sent, and the store shows ${receipt.retainUntil ?? "no date"}`;
    return { renewal: shows ? "renewed" : "failed", until, act: String(act.seq), text, nextDue: promised.cut ? never : Date.parse(until) - wanted.before };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || stops.has(error.code)) throw error;
    return { renewal: "failed", until, act: null, text: `not renewed: ${describeError(error)}`, nextDue: now.getTime() };
  }
}

/** What is no trouble of one exhibit: nothing can be recorded, or nobody can be asked any more. */
const stops: ReadonlySet<string> = new Set(["paused", "ledger", "rollback", "fork", "unexpected"]);

async function recordFound(context: LockContext, caseId: string, check: ExhibitCheck, lock: string): Promise<string> {
  const [written] = await context.recorder.append([
    actDraft("verified", context.actor, {
      case: caseId,
      exhibits: [check.id],
      reason: context.reason,
      authority: context.authority,
      detail: { method: check.method, verdict: check.verdict, text: check.text.slice(0, 2000), quick: true, lock },
    }),
  ]);
  if (written === undefined) throw new HoldfastError("unexpected", `verified ${check.id}: the ledger gave no receipt`);
  return String(written.seq);
}
