import { HoldfastError } from "../core/error.ts";
import type { CollectionOrder, CollectionState, CollectionView, Lease } from "../core/jobs.ts";
import { closeOpenSteps } from "./close-open-steps.ts";
import type { CollectContext, LeasedContext } from "./context.ts";
import { openingActs, orderAct } from "./order-acts.ts";
import { runStep } from "./run-step.ts";

/** Milliseconds between heartbeats: a fifth of the lease, so that one late timer does not lose it. */
const beatMs = 5_000;

/** Registers and carries out a plan. Rejects with what can be resumed (`paused`, `vault`, `ledger`…); outcomes are acts. */
export async function startCollection(context: CollectContext, order: CollectionOrder, signal: AbortSignal): Promise<void> {
  context.jobs.create(order);
  await drive(context, order, context.jobs.lease(order.collection), signal);
}

/** Goes on where an interrupted collection stopped. Finished ones are left alone. */
export async function resumeCollection(context: CollectContext, view: CollectionView, signal: AbortSignal): Promise<void> {
  const { order } = view;
  if (view.state === "finished" || view.state === "cancelled")
    throw new HoldfastError("refused", `collection ${order.collection} is ${view.state}; there is nothing to resume`);
  const lease = context.jobs.lease(order.collection);
  // The first lease of a registered collection is its start, whoever takes it.
  const resumed = async (): Promise<void> => {
    await context.recorder.append([
      orderAct(order, context.actor, "resumed", { lease: lease.number, once: `${order.collection}/resumed/${lease.number}`, detail: { lease: lease.number } }),
    ]);
  };
  await drive(context, order, lease, signal, lease.number > 1 ? resumed : undefined);
}

async function drive(context: CollectContext, order: CollectionOrder, lease: Lease, signal: AbortSignal, resumed?: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const beat = setInterval(() => {
    if (!context.jobs.beat(lease)) stop.abort(new HoldfastError("refused", `collection ${order.collection}: another process has taken over; this one stops`));
    else if (context.jobs.cancelRequested(order.collection)) stop.abort(new HoldfastError("paused", `collection ${order.collection} was cancelled`));
  }, beatMs);
  const leased: LeasedContext = { ...context, lease };
  let state: CollectionState = "interrupted";
  try {
    await open(leased, order, resumed);
    await runAll(leased, order, AbortSignal.any([signal, stop.signal]));
    state = "finished";
  } catch (error) {
    if (context.jobs.cancelRequested(order.collection)) {
      await closeOpenSteps(leased, order);
      state = "cancelled";
      return;
    }
    state = error instanceof HoldfastError && error.code === "paused" ? "paused" : "interrupted";
    throw error;
  } finally {
    clearInterval(beat);
    if (context.jobs.beat(lease)) context.jobs.release(lease, state);
  }
}

/** `started` is in the ledger before the first read; a repeat gives the same numbers. */
async function open(context: LeasedContext, order: CollectionOrder, resumed: (() => Promise<void>) | undefined): Promise<void> {
  const receipts = await context.recorder.append(openingActs(order, context.actor, context.lease.number));
  const numbers = receipts[1]?.exhibits ?? [];
  const known = context.jobs.view(order.collection)?.steps ?? [];
  const exhibitSteps = known.filter(({ step }) => step.does === "exhibit");
  exhibitSteps.forEach((at, i) => {
    const exhibit = numbers[i];
    if (exhibit === undefined)
      throw new HoldfastError("unexpected", `collection ${order.collection}: the ledger gave ${numbers.length} numbers for ${exhibitSteps.length} steps`);
    if (at.exhibit === null) context.jobs.assign(context.lease, at.step.id, exhibit);
  });
  await resumed?.();
}

async function runAll(context: LeasedContext, order: CollectionOrder, signal: AbortSignal): Promise<void> {
  const steps = context.jobs.view(order.collection)?.steps ?? [];
  for (const at of steps) {
    if (at.state === "done") continue;
    if (signal.aborted) throw signal.reason;
    if (at.step.does === "exhibit") await runStep(context, order, at, signal);
    else await runAct(context, order, at.step.id, signal);
  }
  await context.recorder.append([
    orderAct(order, context.actor, "finished", { lease: context.lease.number, once: `${order.collection}/finished`, detail: { steps: steps.length } }),
  ]);
}

/** A side effect: the intention is journaled as `running` before it, the answer is the act `changed`. */
async function runAct(context: LeasedContext, order: CollectionOrder, id: string, signal: AbortSignal): Promise<void> {
  const step = order.plan.steps.find((s) => s.id === id);
  if (step === undefined) throw new HoldfastError("unexpected", `there is no step ${id} in collection ${order.collection}`);
  context.jobs.mark(context.lease, id, "running");
  const done = await context.collector.act(step, signal);
  await context.recorder.append([
    orderAct(order, context.actor, "changed", {
      lease: context.lease.number,
      step: id,
      once: `${order.collection}/${id}/changed`,
      requestIds: done.requestIds,
      detail: { text: done.detail, changed: done.changed, undo: JSON.parse(JSON.stringify(done.undo)) },
    }),
  ]);
  context.jobs.mark(context.lease, id, "done");
}
