import type { Json } from "./act.ts";
import type { HeldExhibit, Holder } from "./held.ts";
import type { Outcome } from "./outcome.ts";
import type { Plan, Step, Wish } from "./plan.ts";
import type { PushSource, Source } from "./source.ts";
import type { Target } from "./target.ts";
import type { ProbeAnswer } from "./vault.ts";

/**
 * What knows one provider. It knows no vault and no ledger. Its rooms are the files of its folder.
 */
export interface Collector {
  readonly provider: string;

  /** Looks and decides; changes nothing on the target and leaves nothing behind. The same wish on the same target gives the same step ids. */
  plan(target: Target, wish: Wish, signal: AbortSignal): Promise<Plan>;

  /**
   * Opens the evidence of an `exhibit` step. What cannot be had is an answer, not an error: switched off, denied,
   * unavailable, each with its reason. A rejection means that the attempt broke down and the exhibit is `failed`.
   */
  open(step: Step, at: StepContext, signal: AbortSignal): Promise<Opened>;

  /**
   * Reads what an `act` step is about to replace, and changes nothing. The caller makes the answer durable before `act`, so that
   * a crash between the two cannot make the changed state look like the state before.
   */
  before(step: Step, at: StepContext, signal: AbortSignal): Promise<Json>;

  /**
   * Carries out an `act` step: one side effect, safe to repeat: what an earlier attempt already did is found and not done twice.
   * What the provider refuses is an answer. `before` is what `before()` said the first time.
   */
  act(step: Step, before: Json, at: StepContext, signal: AbortSignal): Promise<Done>;

  /**
   * Puts the target back. `done` is null where a crash left it unknown whether the act happened: looks, then decides. Safe to
   * repeat. Only for steps that are `undoable`.
   */
  undo(step: Step, before: Json, done: Done | null, at: StepContext, signal: AbortSignal): Promise<Done>;

  /**
   * Removes temporary access and litter that a crashed or cancelled run left (named pipes, shares, grants, running commands).
   * Returns what was found and removed, one line each.
   */
  cleanup(step: Step, at: StepContext, signal: AbortSignal): Promise<readonly string[]>;

  /** Whether a collection of this wish would work: rights, reach, clock, keys, without changing anything. */
  doctor(target: Target, wish: Wish, signal: AbortSignal): Promise<readonly ProbeAnswer[]>;

  /** Who can say what became of evidence that stays with the provider; null where nothing does. */
  readonly holder: Holder | null;

  /** Gives back connections. */
  close(): Promise<void>;
}

/** What a step is told of its collection, and what it may leave for its own next attempt. */
export type StepContext = {
  readonly case: string;
  readonly collection: string;
  /** Null for act steps. */
  readonly exhibit: string | null;
  /** RFC 3339 UTC, whole seconds: how long evidence of this collection is kept. */
  readonly retainUntil: string;
  readonly legalHold: boolean;
  /** What an earlier step of this collection left: an act's `result`, what an exhibit step remembered. Null before it has ended, and where an act did nothing. */
  earlier(step: string): Json;
  /** This step's own memory over a crash; null at first. `remember` is durable when it returns. */
  remembered(): Json;
  remember(value: Json): void;
  /**
   * Records a change that belongs to an exhibit step (a command sent, upload links issued) as an act `changed`. `once` names it
   * within the step: a repeat adds nothing.
   */
  record(once: string, done: Done): Promise<void>;
};

export type Opened =
  | { readonly kind: "source"; readonly source: Source }
  | { readonly kind: "push"; readonly source: PushSource }
  | { readonly kind: "held"; readonly exhibit: HeldExhibit }
  | { readonly kind: "none"; readonly outcome: Exclude<Outcome, "collected">; readonly detail: string };

/** How an act step ended. Only `done` changed something; `already`: it was so before, and nothing needs to be put back. */
export const doneKinds = ["done", "already", "denied", "unavailable", "failed"] as const;

export type Done = {
  readonly kind: (typeof doneKinds)[number];
  /** What a person reads in the act. */
  readonly detail: string;
  /** For later steps and for undo (ids of what was made). */
  readonly result: Json;
  readonly requestIds: readonly string[];
};
