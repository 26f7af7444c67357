import type { CollectionOrder } from "../core/jobs.ts";
import type { LeasedContext } from "./context.ts";
import { endStep } from "./end-step.ts";
import { orderAct } from "./order-acts.ts";
import { emptyHanded } from "./outcome-act.ts";
import { abandonUpload, objectKey, parseKept } from "./take-exhibit.ts";

/**
 * Ends a collection that a person stopped. What is stored stays and is recorded as what it is; every step without an outcome
 * gets one, so that no number is left open in the record; unfinished uploads are removed.
 */
export async function closeOpenSteps(context: LeasedContext, order: CollectionOrder): Promise<void> {
  const open = (context.jobs.view(order.collection)?.steps ?? []).filter((at) => at.state !== "done");
  const signal = AbortSignal.timeout(120_000);
  for (const { step, exhibit, result } of open) {
    if (exhibit === null) continue;
    if (result !== null) {
      await endStep(context, order, step, exhibit, parseKept(result, order.collection), signal);
      continue;
    }
    const completing = context.jobs.journal(context.lease, step.id, exhibit).load()?.completing === true;
    await abandonUpload(context, order, step, exhibit);
    const why = `cancelled before it was taken${completing ? `; a complete object of it may stand at ${objectKey(order, step, exhibit)}` : ""}`;
    await endStep(context, order, step, exhibit, emptyHanded(step, "failed", why), signal);
  }
  await context.recorder.append([
    orderAct(order, context.actor, "cancelled", {
      lease: context.lease.number,
      once: `${order.collection}/cancelled`,
      detail: { closed: open.flatMap(({ exhibit }) => (exhibit === null ? [] : [exhibit])) },
    }),
  ]);
}
