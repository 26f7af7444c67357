import type { Json } from "../core/act.ts";
import type { Done, StepContext } from "../core/collector.ts";
import type { CollectionOrder, StepState } from "../core/jobs.ts";
import { parseActKept } from "./act-kept.ts";
import type { LeasedContext } from "./context.ts";
import { orderAct } from "./order-acts.ts";

export type StepLeased = Pick<LeasedContext, "jobs" | "recorder" | "actor" | "lease">;

/** What a step may know and leave, on the journal and the ledger. */
export function stepContext(context: StepLeased, order: CollectionOrder, step: string, exhibit: string | null): StepContext {
  const find = (id: string): StepState | undefined => context.jobs.view(order.collection)?.steps.find((at) => at.step.id === id);
  return {
    case: order.case,
    collection: order.collection,
    exhibit,
    retainUntil: order.retainUntil,
    legalHold: order.legalHold,
    earlier(id) {
      const at = find(id);
      if (at === undefined || at.state !== "done") return null;
      if (at.step.does === "exhibit") return parseJson(at.memory);
      const { done } = parseActKept(at.result, order.collection);
      return done !== null && (done.kind === "done" || done.kind === "already") ? done.result : null;
    },
    remembered: () => parseJson(find(step)?.memory ?? null),
    remember: (value) => context.jobs.remember(context.lease, step, JSON.stringify(value)),
    async record(once, done) {
      await context.recorder.append([
        orderAct(order, context.actor, "changed", {
          lease: context.lease.number,
          step,
          ...(exhibit === null ? {} : { exhibits: [exhibit] }),
          once: `${order.collection}/${step}/${once}`,
          requestIds: done.requestIds.slice(0, 20),
          detail: doneDetail(done),
        }),
      ]);
    },
  };
}

/** An answer as the act `changed` holds it. */
export function doneDetail(done: Done): { readonly [key: string]: Json } {
  return { text: done.detail, outcome: done.kind, changed: done.kind === "done", result: done.result };
}

function parseJson(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json); // our own row, written by remember()
}
