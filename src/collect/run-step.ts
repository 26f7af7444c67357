import type { Opened } from "../core/collector.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import type { CollectionOrder, StepState } from "../core/jobs.ts";
import type { Step } from "../core/plan.ts";
import type { RangeSource, Source } from "../core/source.ts";
import type { LeasedContext } from "./context.ts";
import { endStep } from "./end-step.ts";
import { stepContext } from "./step-context.ts";
import { orderAct } from "./order-acts.ts";
import { emptyHanded, endingActs, type StepEnd } from "./outcome-act.ts";
import { abandonUpload, isResumable, keptResult, objectKey, parseKept, takeExhibit } from "./take-exhibit.ts";
import { takeHeld } from "./take-held.ts";
import { takeLanded } from "./take-landed.ts";

/**
 * Carries one exhibit step to its one outcome act. A step found `running` was interrupted: a result that was kept is only
 * attested and recorded; a stable source goes on from its journal; any other starts again under a new number, and both facts
 * are acts. Every end is kept before it is recorded, so that a crash in between records that end and no other.
 */
export async function runStep(context: LeasedContext, order: CollectionOrder, at: StepState, signal: AbortSignal): Promise<void> {
  const { step } = at;
  if (at.exhibit === null) throw new HoldfastError("unexpected", `step ${step.id} has no exhibit number; report this`);
  if (at.result !== null) return endStep(context, order, step, at.exhibit, parseKept(at.result, order.collection), signal);

  const interrupted = at.state === "running";
  context.jobs.mark(context.lease, step.id, "running");
  const opened = await open(context, order, at, signal);
  switch (opened.kind) {
    case "ended":
      await abandonUpload(context, order, step, at.exhibit);
      return keepAndEnd(context, order, step, at.exhibit, opened.end, signal);
    case "push": {
      const anew = interrupted && !opened.source.continues;
      const exhibit = anew ? await startAgain(context, order, step, at.exhibit) : at.exhibit;
      context.progress({ kind: "begin", exhibit, title: step.title, total: null });
      return keepAndEnd(context, order, step, exhibit, await takeLanded(context, order, step, exhibit, opened.source, signal), signal);
    }
    case "source":
      return runSource(context, order, step, at.exhibit, interrupted, opened.source, signal);
    default:
      return opened satisfies never;
  }
}

async function runSource(
  context: LeasedContext,
  order: CollectionOrder,
  step: Step,
  number: string,
  interrupted: boolean,
  source: Source,
  signal: AbortSignal,
): Promise<void> {
  if (!(source.kind === "ranges" && source.stable)) {
    const exhibit = interrupted ? await startAgain(context, order, step, number) : number;
    return take(context, order, step, exhibit, source, null, signal);
  }
  const before = source.identity === null ? null : context.jobs.identify(context.lease, step.id, source.identity);
  const change = before === null || before === source.identity ? null : { before, now: source.identity ?? "" };
  if (change !== null && sizeOf(change.before) !== source.size) {
    await source.close();
    await abandonUpload(context, order, step, number);
    return keepAndEnd(context, order, step, number, emptyHanded(step, "failed", resized(sizeOf(change.before), source)), signal);
  }
  return take(context, order, step, number, source, change, signal);
}

async function take(
  context: LeasedContext,
  order: CollectionOrder,
  step: Step,
  exhibit: string,
  source: Source,
  change: { readonly before: string; readonly now: string } | null,
  signal: AbortSignal,
): Promise<void> {
  context.progress({ kind: "begin", exhibit, title: step.title, total: source.size });
  const end = await takeExhibit(context, order, step, exhibit, source, signal);
  await keepAndEnd(context, order, step, exhibit, change === null || end.digest === null ? end : touched(end, change), signal);
}

async function keepAndEnd(context: LeasedContext, order: CollectionOrder, step: Step, exhibit: string, end: StepEnd, signal: AbortSignal): Promise<void> {
  context.jobs.keep(context.lease, step.id, keptResult(end));
  await endStep(context, order, step, exhibit, end, signal);
}

/** An identity begins with the size in bytes. */
function sizeOf(identity: string): number {
  return Number(identity.split(" ")[0]);
}

function resized(before: number, source: RangeSource): string {
  return `source changed: it had ${before} bytes when it was begun and has ${source.size} now, so it differs from offset ${Math.min(before, source.size)} on`;
}

/** What was read before the interruption was compared and is the same; what was read after it may be of another moment. */
function touched(end: StepEnd, change: { readonly before: string; readonly now: string }): StepEnd {
  const text = `the source was written to between its first reading and the resume (${change.before} → ${change.now}); what had been read before was compared and is unchanged`;
  return { ...end, detail: { ...end.detail, reproducible: false, text: [end.detail.text, text].filter((t) => t !== null).join("; ") } };
}

async function open(
  context: LeasedContext,
  order: CollectionOrder,
  { step, exhibit }: StepState,
  signal: AbortSignal,
): Promise<Extract<Opened, { readonly kind: "source" | "push" }> | { readonly kind: "ended"; readonly end: StepEnd }> {
  const why = step.input["notOffered"];
  if (typeof why === "string") return { kind: "ended", end: emptyHanded(step, "unavailable", why) };
  try {
    const opened = await context.collector.open(step, stepContext(context, order, step.id, exhibit), signal);
    switch (opened.kind) {
      case "source":
      case "push":
        return opened;
      case "held":
        return { kind: "ended", end: takeHeld(step, opened.exhibit) };
      case "none":
        return { kind: "ended", end: emptyHanded(step, opened.outcome, opened.detail) };
      default:
        return opened satisfies never;
    }
  } catch (error) {
    if (isResumable(error) || signal.aborted) throw error;
    return { kind: "ended", end: emptyHanded(step, "failed", describeError(error)) };
  }
}

/** A live source cannot be re-read as the same evidence: the old number is closed, a new one is reserved, in one commit. */
async function startAgain(context: LeasedContext, order: CollectionOrder, step: Step, old: string): Promise<string> {
  // Stopped while the store was making the object visible: it may stand there, whole and locked, and nobody has its digest.
  const completing = context.jobs.journal(context.lease, step.id, old).load()?.completing === true;
  const where = completing ? `; a complete object of it may stand at ${objectKey(order, step, old)}` : "";
  await abandonUpload(context, order, step, old);
  const why = `interrupted; its source is live and cannot be read again as the same evidence, so it starts again under a new number${where}`;
  const [closing] = endingActs(order, context.actor, context.lease.number, step, old, emptyHanded(step, "failed", why), null);
  if (closing === undefined) throw new HoldfastError("unexpected", "an outcome has no act");
  const opening = orderAct(order, context.actor, "resumed", {
    lease: context.lease.number,
    step: step.id,
    reserve: 1,
    once: `${order.collection}/${old}/again`,
    detail: { replaces: old },
  });
  const receipts = await context.recorder.append([closing, opening]);
  const exhibit = receipts[1]?.exhibits[0];
  if (exhibit === undefined) throw new HoldfastError("unexpected", `step ${step.id}: the ledger gave no new exhibit number`);
  context.progress({ kind: "end", exhibit: old, outcome: "failed", detail: `starts again as ${exhibit}` });
  context.jobs.assign(context.lease, step.id, exhibit);
  context.jobs.mark(context.lease, step.id, "running");
  return exhibit;
}
