import type { CollectionOrder } from "../core/jobs.ts";
import type { LeasedContext } from "./context.ts";
import { orderAct } from "./order-acts.ts";
import { emptyHanded, endingActs } from "./outcome-act.ts";
import { abandonUpload } from "./take-exhibit.ts";

/**
 * Ends a collection that a person stopped. What is sealed stays; every step without an outcome gets one, so that no number
 * is left open in the record; unfinished uploads are removed.
 */
export async function closeOpenSteps(context: LeasedContext, order: CollectionOrder): Promise<void> {
  const open = (context.jobs.view(order.collection)?.steps ?? []).filter((at) => at.state !== "done");
  for (const { step, exhibit } of open) {
    if (exhibit === null) continue;
    await abandonUpload(context, order, step, exhibit);
    await context.recorder.append(
      endingActs(order, context.actor, context.lease.number, step, exhibit, emptyHanded(step, "failed", "cancelled before it was taken"), null),
    );
    context.jobs.mark(context.lease, step.id, "done");
  }
  await context.recorder.append([
    orderAct(order, context.actor, "cancelled", {
      lease: context.lease.number,
      once: `${order.collection}/cancelled`,
      detail: { closed: open.flatMap(({ exhibit }) => (exhibit === null ? [] : [exhibit])) },
    }),
  ]);
}
