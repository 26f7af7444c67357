import { HoldfastError } from "../core/error.ts";
import type { CollectionOrder, CollectionState, CollectionView, Lease } from "../core/jobs.ts";
import { closeOpenSteps } from "./close-open-steps.ts";
import type { CollectContext, LeasedContext } from "./context.ts";
import { wholeSecond } from "../core/retention.ts";
import { openingActs, orderAct } from "./order-acts.ts";
import { runAct } from "./run-act.ts";
import { runLanes } from "./run-lanes.ts";
import { runStep } from "./run-step.ts";
import { abandonUpload } from "./take-exhibit.ts";

/** Milliseconds between heartbeats: a fifth of the lease, so that one late timer does not lose it. */
const beatMs = 5_000;
/** A lock that ends sooner than this could lapse while the object is being written. Milliseconds. */
const lockMarginMs = 1_000;

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

async function drive(context: CollectContext, written: CollectionOrder, lease: Lease, signal: AbortSignal, resumed?: () => Promise<void>): Promise<void> {
  const order = withLivingLock(written, context.clock());
  const stop = new AbortController();
  const beat = setInterval(() => {
    try {
      if (!context.jobs.beat(lease)) stop.abort(new HoldfastError("refused", `collection ${order.collection}: another process has taken over; this one stops`));
      else if (context.jobs.cancelRequested(order.collection)) stop.abort(new HoldfastError("paused", `collection ${order.collection} was cancelled`));
    } catch (error) {
      stop.abort(error); // a journal that cannot be written stops the run, which says so
    }
  }, beatMs);
  const leased: LeasedContext = { ...context, lease };
  let state: CollectionState = "interrupted";
  try {
    await openNumbers(leased, order);
    await resumed?.();
    if (order.retainUntil !== written.retainUntil) await forgetLapsedUploads(leased, order);
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

/** A lock whose end has come before the object was finished is begun anew, for the same time from now. */
function withLivingLock(order: CollectionOrder, now: Date): CollectionOrder {
  if (Date.parse(order.retainUntil) > now.getTime() + lockMarginMs) return order;
  return { ...order, retainUntil: wholeSecond(new Date(now.getTime() + order.retainMs)) };
}

/** The store was told the old date when the upload was begun: it cannot be finished under the new one. */
async function forgetLapsedUploads(context: LeasedContext, order: CollectionOrder): Promise<void> {
  for (const { step, exhibit, state, result } of context.jobs.view(order.collection)?.steps ?? [])
    if (exhibit !== null && state !== "done" && result === null) await abandonUpload(context, order, step, exhibit);
}

/**
 * `started` is in the ledger before the first read; a repeat gives the same numbers. Numbers come from the ledger, not from the
 * journal: a crash between the two must not leave one open.
 */
async function openNumbers(context: LeasedContext, order: CollectionOrder): Promise<void> {
  const receipts = await context.recorder.append(openingActs(order, context.actor, context.lease.number));
  const numbers = receipts[1]?.exhibits ?? [];
  const steps = (context.jobs.view(order.collection)?.steps ?? []).filter(({ step }) => step.does === "exhibit");
  const successors = context.reader((reader) => {
    const found = new Map<string, string>();
    for (const act of reader.acts({ collection: order.collection })) {
      const old = act.detail["replaces"];
      const [exhibit] = act.exhibits;
      if (act.act === "resumed" && typeof old === "string" && exhibit !== undefined) found.set(old, exhibit.id);
    }
    return found;
  });
  steps.forEach((at, i) => {
    let exhibit = numbers[i];
    if (exhibit === undefined)
      throw new HoldfastError("unexpected", `collection ${order.collection}: the ledger gave ${numbers.length} numbers for ${steps.length} steps`);
    for (let next = successors.get(exhibit); next !== undefined; next = successors.get(next)) exhibit = next;
    if (at.exhibit !== exhibit) context.jobs.assign(context.lease, at.step.id, exhibit);
  });
}

/** Closes an interrupted collection that a person gives up. */
export async function cancelCollection(context: CollectContext, order: CollectionOrder): Promise<void> {
  const leased: LeasedContext = { ...context, lease: context.jobs.lease(order.collection, "close") };
  await openNumbers(leased, order);
  await closeOpenSteps(leased, order);
  context.jobs.release(leased.lease, "cancelled");
}

async function runAll(context: LeasedContext, order: CollectionOrder, signal: AbortSignal): Promise<void> {
  const steps = context.jobs.view(order.collection)?.steps ?? [];
  await runLanes(steps, (at, until) => (at.step.does === "exhibit" ? runStep(context, order, at, until) : runAct(context, order, at, until)), signal);
  await context.recorder.append([
    orderAct(order, context.actor, "finished", { lease: context.lease.number, once: `${order.collection}/finished`, detail: { steps: steps.length } }),
  ]);
}
