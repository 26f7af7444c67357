import type { Change } from "../core/collection-result.ts";
import type { Done } from "../core/collector.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import type { CollectionOrder, StepState } from "../core/jobs.ts";
import { type ActKept, parseActKept } from "./act-kept.ts";
import type { LeasedContext } from "./context.ts";
import { orderAct } from "./order-acts.ts";
import { doneDetail, stepContext } from "./step-context.ts";
import { isResumable } from "./take-exhibit.ts";

export type Undone = Pick<Change, "step" | "title"> & { readonly outcome: Done["kind"]; readonly detail: string };

/**
 * Puts back what a collection changed, the last change first. Each answer is an act `undone`; what could not be put back is
 * looked at again by the next call, what was put back is not touched twice. A change of which a crash left no answer is looked
 * for (Collector.undo).
 */
export async function undoCollection(context: LeasedContext, order: CollectionOrder, reason: string | null, signal: AbortSignal): Promise<readonly Undone[]> {
  const undone: Undone[] = [];
  for (const at of (context.jobs.view(order.collection)?.steps ?? []).toReversed()) {
    const kept = toPutBack(at, order.collection);
    if (kept === null) continue;
    signal.throwIfAborted();
    const answer = await putBack(context, order, at, kept, signal);
    const { step } = at;
    context.jobs.keep(context.lease, step.id, JSON.stringify({ ...kept, undone: answer } satisfies ActKept));
    await context.recorder.append([
      {
        ...orderAct(order, context.actor, "undone", {
          lease: context.lease.number,
          step: step.id,
          once: `${order.collection}/${step.id}/undone/${context.lease.number}`,
          requestIds: answer.requestIds.slice(0, 20),
          detail: doneDetail(answer),
        }),
        reason: reason ?? order.reason,
      },
    ]);
    context.progress({ kind: "act", step: step.id, title: step.title, outcome: answer.kind, detail: answer.detail });
    undone.push({ step: step.id, title: step.title, outcome: answer.kind, detail: answer.detail });
  }
  return undone;
}

/** What an act step left that may have to be put back; null where it changed nothing, or was put back. */
function toPutBack({ step, result }: StepState, collection: string): ActKept | null {
  if (step.does !== "act" || !step.undoable || result === null) return null;
  const kept = parseActKept(result, collection);
  if (kept.undone?.kind === "done" || kept.undone?.kind === "already") return null;
  const changed = kept.done === null || kept.done.kind === "done" || kept.done.kind === "failed";
  return changed ? kept : null;
}

async function putBack(context: LeasedContext, order: CollectionOrder, { step }: StepState, { before, done }: ActKept, signal: AbortSignal): Promise<Done> {
  const own = stepContext(context, order, step.id, null);
  try {
    return await context.collector.undo(step, before, done === null || done.result === null ? null : done, own, signal);
  } catch (error) {
    if (signal.aborted || isResumable(error) || (error instanceof HoldfastError && error.code === "config")) throw error;
    return { kind: "failed", detail: describeError(error), result: null, requestIds: [] };
  }
}
