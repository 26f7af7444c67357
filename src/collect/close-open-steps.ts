import type { ActDraft } from "../core/act.ts";
import type { Done } from "../core/collector.ts";
import { describeError } from "../core/error.ts";
import type { CollectionOrder, StepState } from "../core/jobs.ts";
import { parseActKept } from "./act-kept.ts";
import type { LeasedContext } from "./context.ts";
import { endStep } from "./end-step.ts";
import { orderAct } from "./order-acts.ts";
import { doneDetail, stepContext } from "./step-context.ts";
import { emptyHanded } from "./outcome-act.ts";
import { abandonUpload, objectKey, parseKept } from "./take-exhibit.ts";

/**
 * Ends a collection that a person stopped. What is stored stays and is recorded as what it is; every step without an outcome
 * gets one, so that no number is left open in the record; unfinished uploads are removed.
 */
export async function closeOpenSteps(context: LeasedContext, order: CollectionOrder): Promise<void> {
  const open = (context.jobs.view(order.collection)?.steps ?? []).filter((at) => at.state !== "done");
  const signal = AbortSignal.timeout(120_000);
  for (const at of open) {
    const { step, exhibit, result } = at;
    if (exhibit === null) {
      await context.recorder.append(openAct(context, order, at));
      continue;
    }
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
      detail: { closed: open.flatMap(({ exhibit }) => (exhibit === null ? [] : [exhibit])), removed: await leftBehind(context, order, open, signal) },
    }),
  ]);
}

/** Temporary access of steps that were under way ends with them. What cannot be removed now is named, and `cleanup` tries again. */
async function leftBehind(context: LeasedContext, order: CollectionOrder, open: readonly StepState[], signal: AbortSignal): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { step, exhibit, state } of open) {
    if (state === "waiting") continue;
    try {
      lines.push(...(await context.collector.cleanup(step, stepContext(context, order, step.id, exhibit), signal)));
    } catch (error) {
      lines.push(`${step.id}: ${describeError(error)}; \`holdfast cleanup ${order.collection}\` tries again`);
    }
  }
  return lines;
}

/** An act that was begun gets its end: the answer, where one was kept; else that nobody knows whether it happened. */
function openAct(context: LeasedContext, order: CollectionOrder, { step, result }: StepState): readonly ActDraft[] {
  if (result === null) return [];
  const { done } = parseActKept(result, order.collection);
  const unknown: Done = {
    kind: "failed",
    detail: `cancelled while it was under way: whether it happened is not known${step.undoable ? `; \`holdfast contain undo ${order.collection}\` looks and puts back` : ""}`,
    result: null,
    requestIds: [],
  };
  return [
    orderAct(order, context.actor, "changed", {
      lease: context.lease.number,
      step: step.id,
      once: `${order.collection}/${step.id}/changed`,
      requestIds: (done ?? unknown).requestIds.slice(0, 20),
      detail: doneDetail(done ?? unknown),
    }),
  ];
}
