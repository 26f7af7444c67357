import { HoldfastError } from "../core/error.ts";
import type { StepState } from "../core/jobs.ts";

/**
 * Runs steps in the order of the plan within each lane, lanes side by side. A step waits for those named in its `after`,
 * however they end. The first that breaks down stops the others, and its error is the one that is thrown.
 */
export async function runLanes(steps: readonly StepState[], run: (at: StepState, signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  const known = new Set(steps.map(({ step }) => step.id));
  for (const { step } of steps)
    for (const id of step.after) if (!known.has(id)) throw new HoldfastError("unexpected", `step ${step.id} waits for ${id}, which is not in the plan`);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const ended = new Map(steps.map(({ step }) => [step.id, Promise.withResolvers<void>()]));
  const broken: unknown[] = [];

  async function lane(own: readonly StepState[]): Promise<void> {
    for (const at of own) {
      if (at.state !== "done") {
        await Promise.all(at.step.after.map((id) => ended.get(id)?.promise));
        both.throwIfAborted();
        await run(at, both);
      }
      ended.get(at.step.id)?.resolve();
    }
  }

  const lanes = Map.groupBy(steps, ({ step }) => step.lane);
  await Promise.all(
    [...lanes.values()].map((own) =>
      lane(own).catch((error: unknown) => {
        broken.push(error);
        stop.abort(new HoldfastError("paused", "another step of this collection broke down"));
        for (const { resolve } of ended.values()) resolve(); // those who wait for a step of the broken lane see the abort
      }),
    ),
  );
  if (broken.length > 0) throw broken[0];
}
