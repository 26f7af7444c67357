import type { Json } from "../core/act.ts";
import { type Done, doneKinds } from "../core/collector.ts";
import { HoldfastError } from "../core/error.ts";

/** What work.db keeps of an act step: the state before, and the answer once there is one. */
export type ActKept = {
  readonly before: Json;
  readonly done: Done | null;
  /** How putting it back ended, where somebody did. */
  readonly undone?: Done;
};

/** Reads back what runAct kept; anything else is a damaged work.db. */
export function parseActKept(text: string | null, collection: string): ActKept {
  const kept = JSON.parse(text ?? "null") as ActKept | null; // our own row, written by runAct
  if (kept === null || (kept.done !== null && !doneKinds.includes(kept.done.kind)))
    throw new HoldfastError("ledger", `collection ${collection}: the journaled act is damaged; cancel it and collect again`);
  return kept;
}
