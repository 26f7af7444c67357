import type { Json } from "../core/act.ts";
import type { Collector, Done } from "../core/collector.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import type { CollectionOrder, StepState } from "../core/jobs.ts";
import { type ActKept, parseActKept } from "./act-kept.ts";
import type { CollectContext } from "./context.ts";
import { orderAct } from "./order-acts.ts";
import { doneDetail, stepContext, type StepLeased } from "./step-context.ts";
import { isResumable } from "./take-exhibit.ts";

export type ActContext = StepLeased & Pick<CollectContext, "progress"> & { readonly collector: Pick<Collector, "before" | "act"> };

/**
 * A side effect. The state before is read, kept and recorded (`intended`) before the call is made; the answer is kept before it
 * is recorded (`changed`). A repeat after a crash reads no new state before: that would already be ours. What breaks down is an
 * answer too: one side effect that could not be had must not cost the evidence behind it.
 */
export async function runAct(context: ActContext, order: CollectionOrder, at: StepState, signal: AbortSignal): Promise<void> {
  const { step } = at;
  const own = stepContext(context, order, step.id, null);
  context.jobs.mark(context.lease, step.id, "running");
  const kept = at.result === null ? await lookBefore(context, at, order, signal) : parseActKept(at.result, order.collection);
  const common = { lease: context.lease.number, step: step.id };
  await context.recorder.append([
    orderAct(order, context.actor, "intended", {
      ...common,
      once: `${order.collection}/${step.id}/intended`,
      detail: { text: step.title, before: kept.before, undoable: step.undoable },
    }),
  ]);
  const done =
    kept.done ??
    (await answered(
      () => context.collector.act(step, kept.before, own, signal),
      (text) => failed(`${text}; whether it happened is not known`),
      signal,
    ));
  context.jobs.keep(context.lease, step.id, JSON.stringify({ ...kept, done } satisfies ActKept));
  await context.recorder.append([
    orderAct(order, context.actor, "changed", {
      ...common,
      once: `${order.collection}/${step.id}/changed`,
      requestIds: done.requestIds.slice(0, 20),
      detail: doneDetail(done),
    }),
  ]);
  context.jobs.mark(context.lease, step.id, "done");
  context.progress({ kind: "act", step: step.id, title: step.title, outcome: done.kind, detail: done.detail });
}

/** Where not even the state before could be read, nothing is done: there would be no way back. */
async function lookBefore(context: ActContext, { step }: StepState, order: CollectionOrder, signal: AbortSignal): Promise<ActKept> {
  const own = stepContext(context, order, step.id, null);
  const kept = await answered<ActKept>(
    async (): Promise<ActKept> => ({ before: await context.collector.before(step, own, signal), done: null }),
    (text) => ({ before: null, done: failed(`nothing was done, since the state before could not be read: ${text}`) }),
    signal,
  );
  context.jobs.keep(context.lease, step.id, JSON.stringify(kept));
  return kept;
}

async function answered<T>(ask: () => Promise<T>, otherwise: (text: string) => T, signal: AbortSignal): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (signal.aborted || isResumable(error) || (error instanceof HoldfastError && error.code === "config")) throw error;
    return otherwise(describeError(error));
  }
}

function failed(detail: string): Done {
  const result: Json = null;
  return { kind: "failed", detail, result, requestIds: [] };
}
