import type { Outcome } from "./outcome.ts";
import type { Plan, Step, Wish } from "./plan.ts";
import type { Source } from "./source.ts";
import type { Target } from "./target.ts";

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
  open(step: Step, signal: AbortSignal): Promise<Opened>;

  /**
   * Carries out an `act` step: one side effect, journaled by the caller before and after, safe to repeat. The answer holds
   * what `undo` needs to put the target back, as JSON.
   */
  act(step: Step, signal: AbortSignal): Promise<Done>;
  undo(step: Step, done: Done, signal: AbortSignal): Promise<Done>;

  /** Removes what a crashed run left on the target (named pipes, temporary grants). Returns what was found, one line each. */
  cleanup(step: Step, signal: AbortSignal): Promise<readonly string[]>;
}

export type Opened =
  | { readonly kind: "source"; readonly source: Source }
  | { readonly kind: "none"; readonly outcome: Exclude<Outcome, "collected">; readonly detail: string };

export type Done = {
  /** What a person reads in the act. */
  readonly detail: string;
  readonly changed: boolean;
  readonly undo: Readonly<Record<string, unknown>> | null;
  readonly requestIds: readonly string[];
};
