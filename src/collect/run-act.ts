import type { Collector } from "../core/collector.ts";
import type { CollectionOrder, StepState } from "../core/jobs.ts";
import { parseActKept } from "./act-kept.ts";
import { orderAct } from "./order-acts.ts";
import { doneDetail, stepContext, type StepLeased } from "./step-context.ts";

export type ActContext = StepLeased & { readonly collector: Pick<Collector, "before" | "act"> };

/**
 * A side effect. The state before is read, kept and recorded (`intended`) before the call is made; the answer is kept before it
 * is recorded (`changed`). A repeat after a crash reads no new state before: that would already be ours.
 */
export async function runAct(context: ActContext, order: CollectionOrder, at: StepState, signal: AbortSignal): Promise<void> {
  const { step } = at;
  const own = stepContext(context, order, step.id, null);
  context.jobs.mark(context.lease, step.id, "running");
  let kept = at.result === null ? null : parseActKept(at.result, order.collection);
  if (kept === null) {
    kept = { before: await context.collector.before(step, own, signal), done: null };
    context.jobs.keep(context.lease, step.id, JSON.stringify(kept));
  }
  const common = { lease: context.lease.number, step: step.id };
  await context.recorder.append([
    orderAct(order, context.actor, "intended", {
      ...common,
      once: `${order.collection}/${step.id}/intended`,
      detail: { text: step.title, before: kept.before, undoable: step.undoable },
    }),
  ]);
  const done = kept.done ?? (await context.collector.act(step, kept.before, own, signal));
  context.jobs.keep(context.lease, step.id, JSON.stringify({ ...kept, done }));
  await context.recorder.append([
    orderAct(order, context.actor, "changed", {
      ...common,
      once: `${order.collection}/${step.id}/changed`,
      requestIds: done.requestIds.slice(0, 20),
      detail: doneDetail(done),
    }),
  ]);
  context.jobs.mark(context.lease, step.id, "done");
}
