import { createHash } from "node:crypto";
import { actDraft } from "../core/act-draft.ts";
import type { ActDraft, ActName, Actor } from "../core/act.ts";
import type { CollectionOrder } from "../core/jobs.ts";
import type { Plan } from "../core/plan.ts";

/** SHA-256 (hex) of the plan as JSON: what `planned` and `started` commit to before the first call. */
export function planDigest(plan: Plan): string {
  return createHash("sha256").update(JSON.stringify(plan)).digest("hex");
}

/** A draft about this collection. */
export function orderAct(
  order: CollectionOrder,
  actor: Actor,
  act: ActName,
  fields: Partial<Omit<ActDraft, "act" | "actor" | "case" | "collection" | "target" | "reason" | "authority">>,
): ActDraft {
  return actDraft(act, actor, {
    case: order.case,
    collection: order.collection,
    target: order.target,
    reason: order.reason,
    authority: order.authority,
    ...fields,
  });
}

/** `planned` and `started`, in one commit, before the first read. `started` reserves a number for every exhibit step. */
export function openingActs(order: CollectionOrder, actor: Actor, lease: number): readonly ActDraft[] {
  const exhibitSteps = order.plan.steps.filter((step) => step.does === "exhibit");
  const sha256 = planDigest(order.plan);
  return [
    orderAct(order, actor, "planned", {
      lease,
      once: `${order.collection}/planned`,
      detail: { plan: sha256, steps: order.plan.steps.map((step) => step.id), window: { ...order.plan.window } },
    }),
    orderAct(order, actor, "started", {
      lease,
      reserve: exhibitSteps.length,
      once: `${order.collection}/started`,
      detail: {
        plan: sha256,
        exhibitSteps: exhibitSteps.map((step) => step.id),
        vault: order.vault,
        retainUntil: order.retainUntil,
        legalHold: order.legalHold,
      },
    }),
  ];
}
