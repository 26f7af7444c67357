import type { Json } from "../../../src/core/act.ts";
import type { Done } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Step } from "../../../src/core/plan.ts";
import type { Aws } from "../aws.ts";
import { outcomeOfRefusal, type Refused, wordsOf } from "../client/refused.ts";

/** One step of the freeze: what it finds, how it is put on, how it is put back. The promises are those of core's Collector. */
export type Protection = {
  before(aws: Aws, step: Step, signal: AbortSignal): Promise<Json>;
  act(aws: Aws, step: Step, before: Json, signal: AbortSignal): Promise<Done>;
  undo(aws: Aws, step: Step, before: Json, done: Done | null, signal: AbortSignal): Promise<Done>;
};

/** A state before that may not be read: nothing is changed then, since there would be no way back. */
export function unseen(refused: Refused): Json {
  return { refused: wordsOf(refused), outcome: outcomeOfRefusal(refused.trouble), requestId: refused.requestId };
}

/** The end of an act whose state before was not to be seen; null where it was. */
export function unseenDone(before: Json): Done | null {
  const fields = fieldsOf(before);
  const { refused: why, outcome, requestId: id } = fields;
  if (typeof why !== "string") return null;
  return {
    kind: outcome === "denied" || outcome === "unavailable" ? outcome : "failed",
    detail: `nothing was changed, since the state before could not be read: ${why}`,
    result: null,
    requestIds: typeof id === "string" && id !== "" ? [id] : [],
  };
}

/** Whether an act left nothing to put back, as far as it is known. */
export function changedNothing(done: Done | null): boolean {
  return done !== null && done.kind !== "done" && done.kind !== "failed";
}

export function nothingToUndo(detail: string, requestIds: readonly string[] = []): Done {
  return { kind: "already", detail, result: null, requestIds };
}

export function fieldsOf(json: Json): { readonly [key: string]: Json } {
  return isMap(json) ? json : {};
}

export function badBefore(step: Step): HoldfastError {
  return new HoldfastError("unexpected", `step ${step.id}: the journaled state before is not what this release writes; cancel the collection and freeze again`);
}

/** EC2 may show a change some seconds after it was accepted: the waits before it is looked at again, in milliseconds. */
const looks = [1000, 2000, 4000, 8000];

/** Looks until it is as wanted; resolves with what was seen last. */
export async function readBack<T>(aws: Aws, read: () => Promise<T>, wanted: (seen: T) => boolean, signal: AbortSignal): Promise<T> {
  let seen = await read();
  for (const wait of looks) {
    if (wanted(seen)) break;
    await aws.sleep(wait, signal);
    seen = await read();
  }
  return seen;
}

/**
 * What this process has read just now, by the state that was made of it: between the two lies only the ledger's entry, and memory fades
 * while it is read again. It is given once. A state out of the journal is never among them: an attempt of ours may be younger.
 */
export function lastRead<T>(): { keep<J extends Json & object>(before: J, seen: T): J; take(before: Json): T | null } {
  const known = new WeakMap<object, T>();
  return {
    keep(before, seen) {
      known.set(before, seen);
      return before;
    },
    take(before) {
      if (!isMap(before)) return null;
      const seen = known.get(before) ?? null;
      known.delete(before);
      return seen;
    },
  };
}

function isMap(json: Json): json is { readonly [key: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
