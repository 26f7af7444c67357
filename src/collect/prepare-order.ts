import { actDraft } from "../core/act-draft.ts";
import type { Actor } from "../core/act.ts";
import type { Case, Sensitivity, Severity } from "../core/case.ts";
import type { RetentionConfig } from "../core/config.ts";
import type { CollectionOrder } from "../core/jobs.ts";
import type { Plan } from "../core/plan.ts";
import type { Clock, Random } from "../core/ports.ts";
import { retainUntil } from "../core/retention.ts";
import type { Compression } from "../core/part.ts";
import type { Recorder } from "../core/recorder.ts";

export type CaseFields = {
  readonly title: string | null;
  readonly severity: Severity;
  readonly sensitivity: Sensitivity;
  readonly jurisdiction: string | null;
  readonly retention: string | null;
};

export const plainCase: CaseFields = { title: null, severity: "medium", sensitivity: "confidential", jurisdiction: null, retention: null };

/** Opens a case; a case that exists is left as it is. */
export async function openCase(recorder: Recorder, actor: Actor, id: string, fields: CaseFields, reason: string | null): Promise<void> {
  await recorder.append([actDraft("case-opened", actor, { case: id, reason, once: `case/${id}`, detail: { ...fields } })]);
}

export type OrderWish = {
  readonly case: Case;
  readonly plan: Plan;
  readonly reason: string;
  readonly authority: string | null;
  readonly vault: { readonly name: string; readonly retain: string };
  readonly retain: string | null;
  readonly legalHold: boolean;
  readonly compress: Compression;
};

/** Everything a collection needs to be carried out and resumed without asking again. */
export function prepareOrder(wish: OrderWish, actor: Actor, retention: RetentionConfig, clock: Clock, random: Random): CollectionOrder {
  const now = clock();
  const until = retainUntil(
    retention,
    {
      vault: wish.vault.retain,
      class: wish.case.retention,
      kinds: [...new Set(wish.plan.steps.map((step) => step.kind))],
      severity: wish.case.severity,
      flag: wish.retain,
    },
    now,
  );
  return {
    collection: collectionId(now, random),
    case: wish.case.id,
    target: wish.plan.target,
    actor: actor.id,
    reason: wish.reason,
    authority: wish.authority,
    vault: wish.vault.name,
    retainUntil: until,
    retainMs: Date.parse(until) - now.getTime(),
    legalHold: wish.legalHold,
    compress: wish.compress,
    plan: wish.plan,
    started: now.toISOString(),
  };
}

/** `20260131T220000Z-9f3a1c`: sorts by time, and can be read over the telephone. */
function collectionId(now: Date, random: Random): string {
  const time = now.toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "");
  return `${time}-${Buffer.from(random(3)).toString("hex")}`;
}
