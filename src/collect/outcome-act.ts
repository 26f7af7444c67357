import type { Actor, ActDraft } from "../core/act.ts";
import type { CollectionOrder } from "../core/jobs.ts";
import type { Outcome } from "../core/outcome.ts";
import { type OutcomeDetail, outcomeDetailToJson } from "../core/outcome-detail.ts";
import type { RawDigest } from "../core/part.ts";
import type { Step } from "../core/plan.ts";
import type { Receipt } from "../core/vault.ts";
import { orderAct } from "./order-acts.ts";

/** How a step ended, before it is an act. `digest` is there only where bytes were stored. */
export type StepEnd = {
  readonly outcome: Outcome;
  readonly digest: RawDigest | null;
  readonly detail: OutcomeDetail;
  /** Of what gave no `put`. */
  readonly requestIds?: readonly string[];
};

/** A step that gave no bytes. */
export function emptyHanded(step: Step, outcome: Exclude<Outcome, "collected">, text: string): StepEnd {
  return {
    outcome,
    digest: null,
    detail: { kind: step.kind, name: step.title, mediaType: "", text, files: null, transform: [], reproducible: false, coverage: null, put: null, held: null },
  };
}

/**
 * The outcome act of a step and, where the store showed the lock that was asked, the `sealed` act, for one commit: no
 * exhibit is sealed without an outcome, and a crash leaves both or neither.
 */
export function endingActs(
  order: CollectionOrder,
  actor: Actor,
  lease: number,
  step: Step,
  exhibit: string,
  end: StepEnd,
  receipt: Receipt | null,
): readonly ActDraft[] {
  const common = { lease, step: step.id, exhibits: [exhibit], stored: receipt };
  const outcome = orderAct(order, actor, end.outcome, {
    ...common,
    once: `${order.collection}/${exhibit}/outcome`,
    digests: end.digest === null ? {} : { [exhibit]: { sha256: end.digest.sha256, bytes: String(end.digest.bytes) } },
    requestIds: (end.requestIds ?? end.detail.put?.requestIds ?? []).slice(0, 20),
    detail: outcomeDetailToJson(end.detail),
  });
  if (receipt === null || !receipt.sealed) return [outcome];
  const sealed = orderAct(order, actor, "sealed", {
    ...common,
    once: `${order.collection}/${exhibit}/sealed`,
    digests: outcome.digests,
    requestIds: receipt.requestIds.slice(0, 20),
    detail: { text: receipt.text },
  });
  return [outcome, sealed];
}
