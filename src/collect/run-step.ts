import { describeError, HoldfastError } from "../core/error.ts";
import { whyNotSealed } from "../core/exhibit.ts";
import type { CollectionOrder, StepState } from "../core/jobs.ts";
import type { Step } from "../core/plan.ts";
import type { Source } from "../core/source.ts";
import type { Receipt } from "../core/vault.ts";
import type { LeasedContext } from "./context.ts";
import { orderAct } from "./order-acts.ts";
import { emptyHanded, endingActs, type StepEnd } from "./outcome-act.ts";
import { abandonUpload, isResumable, keptResult, parseKept, takeExhibit } from "./take-exhibit.ts";

/**
 * Carries one exhibit step to its one outcome act. A step found `running` was interrupted: a result that was kept is only
 * attested and recorded; a stable source goes on from its journal; any other starts again under a new number, and both facts
 * are acts.
 */
export async function runStep(context: LeasedContext, order: CollectionOrder, at: StepState, signal: AbortSignal): Promise<void> {
  const { step } = at;
  if (at.exhibit === null) throw new HoldfastError("unexpected", `step ${step.id} has no exhibit number; report this`);
  if (at.result !== null) return endStep(context, order, step, at.exhibit, parseKept(at.result, order.collection), signal);

  const interrupted = at.state === "running";
  context.jobs.mark(context.lease, step.id, "running");
  const opened = await open(context, step, signal);
  if (opened.kind === "ended") {
    await abandonUpload(context, order, step, at.exhibit);
    return endStep(context, order, step, at.exhibit, opened.end, signal);
  }
  const again = interrupted && !(opened.source.kind === "ranges" && opened.source.stable);
  const exhibit = again ? await startAgain(context, order, step, at.exhibit) : at.exhibit;
  context.progress({ kind: "begin", exhibit, title: step.title, total: opened.source.size });
  const end = await takeExhibit(context, order, step, exhibit, opened.source, signal);
  context.jobs.keep(context.lease, step.id, keptResult(end));
  await endStep(context, order, step, exhibit, end, signal);
}

async function open(
  context: LeasedContext,
  step: Step,
  signal: AbortSignal,
): Promise<{ readonly kind: "source"; readonly source: Source } | { readonly kind: "ended"; readonly end: StepEnd }> {
  try {
    const opened = await context.collector.open(step, signal);
    if (opened.kind === "source") return opened;
    return { kind: "ended", end: emptyHanded(step, opened.outcome, opened.detail) };
  } catch (error) {
    if (isResumable(error) || signal.aborted) throw error;
    return { kind: "ended", end: emptyHanded(step, "failed", describeError(error)) };
  }
}

/** A live source cannot be re-read as the same evidence: the old number is closed, a new one is reserved, in one commit. */
async function startAgain(context: LeasedContext, order: CollectionOrder, step: Step, old: string): Promise<string> {
  await abandonUpload(context, order, step, old);
  const [closing] = endingActs(
    order,
    context.actor,
    context.lease.number,
    step,
    old,
    emptyHanded(step, "failed", "interrupted; its source is live and cannot be read again as the same evidence, so it starts again under a new number"),
    null,
  );
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

/** Asks the store what it shows, then records. */
async function endStep(context: LeasedContext, order: CollectionOrder, step: Step, exhibit: string, end: StepEnd, signal: AbortSignal): Promise<void> {
  const receipt = await readBack(context, end, signal);
  await context.recorder.append(endingActs(order, context.actor, context.lease.number, step, exhibit, end, receipt));
  context.jobs.mark(context.lease, step.id, "done");
  context.jobs.forget(order.collection, exhibit);
  // What a directory is worth is said once, with the results; any other missing seal is news.
  const lock = receipt === null || receipt.sealed || receipt.mode === "directory" ? null : whyNotSealed(receipt);
  context.progress({ kind: "end", exhibit, outcome: end.outcome, detail: [end.detail.text, lock].filter((t) => t !== null).join("; ") || null });
}

async function readBack(context: LeasedContext, end: StepEnd, signal: AbortSignal): Promise<Receipt | null> {
  const { put } = end.detail;
  if (put === null) return null;
  const state = await context.vault.attest(put, put.encoding, signal);
  switch (state.kind) {
    case "present":
      return state.receipt;
    case "missing":
    case "unknown":
      // Stored, acknowledged, and now not shown: the bytes are accounted for, the lock is not assumed.
      return {
        uri: put.uri,
        version: put.version,
        bytes: String(put.bytes),
        encoding: put.encoding,
        checksum: put.checksum,
        lock: state.kind === "missing" ? "none" : "unknown",
        mode: null,
        retainUntil: null,
        legalHold: null,
        sealed: false,
        text: state.text,
        problems: [state.text],
        requestIds: [],
      };
    default:
      return state satisfies never;
  }
}
