import type { Json } from "../../src/core/act.ts";
import type { Done, Opened, StepContext } from "../../src/core/collector.ts";
import type { Call, Step, Wish } from "../../src/core/plan.ts";
import type { ProbeAnswer } from "../../src/core/vault.ts";
import type { Aws } from "./aws.ts";
import { type CallName, plannedCall } from "./calls/calls.ts";
import type { Look } from "./look.ts";

/**
 * One room of the collector: it plans its steps and carries them out. A step names its room in `input.room`, so that a journaled
 * step finds its way back. Rooms of exhibit steps have `open`; rooms of act steps have `before`, `act` and, where steps are
 * `undoable`, `undo`. Promises are those of core's Collector.
 */
export type Room = {
  /** The steps that the wish asks of this room, in order; none where it asks for nothing. Changes nothing. */
  plan(aws: Aws, look: Look, wish: Wish, signal: AbortSignal): Promise<readonly Step[]>;
  open?(aws: Aws, step: Step, at: StepContext, signal: AbortSignal): Promise<Opened>;
  before?(aws: Aws, step: Step, at: StepContext, signal: AbortSignal): Promise<Json>;
  act?(aws: Aws, step: Step, before: Json, at: StepContext, signal: AbortSignal): Promise<Done>;
  undo?(aws: Aws, step: Step, before: Json, done: Done | null, at: StepContext, signal: AbortSignal): Promise<Done>;
  /** One line for each thing found and removed. */
  cleanup?(aws: Aws, step: Step, at: StepContext, signal: AbortSignal): Promise<readonly string[]>;
  /** Whether the room's steps would work: dry runs, reach, keys. */
  doctor?(aws: Aws, look: Look, wish: Wish, signal: AbortSignal): Promise<readonly ProbeAnswer[]>;
};

export type StepDraft = Pick<Step, "id" | "does" | "kind" | "lane" | "title" | "rank"> & {
  readonly room: string;
  readonly calls: readonly (CallName | Call)[];
  readonly after?: readonly string[];
  readonly undoable?: boolean;
  readonly exclusive?: boolean;
  readonly bytes?: number | null;
  readonly seconds?: number | null;
  readonly writes?: number;
  readonly tools?: readonly string[];
  readonly input?: Readonly<Record<string, Json>>;
};

/** A step with its calls' permissions from the table. */
export function stepOf({ room, calls, after, undoable, exclusive, bytes, seconds, writes, tools, input, ...rest }: StepDraft): Step {
  return {
    ...rest,
    calls: calls.map((call) => (typeof call === "string" ? plannedCall(call) : call)),
    after: after ?? [],
    undoable: undoable ?? false,
    exclusive: exclusive ?? false,
    footprint: { writtenBytes: writes ?? 0, tools: tools ?? [] },
    estimate: { bytes: bytes ?? null, seconds: seconds ?? null },
    input: { ...input, room },
  };
}

/** Ranks are design.md's "Order of a plan". */
export const rank = { freeze: 0, isolateNow: 0, state: 1, memory: 2, disk: 2, isolate: 4, logs: 5, image: 6, late: 7 } as const;
