import type { Call } from "../../../src/core/plan.ts";
import { actCalls } from "./act.ts";
import { containCalls } from "./contain.ts";
import { logCalls } from "./logs.ts";
import { lookCalls } from "./look.ts";
import type { CallRow } from "./row.ts";

/**
 * Every AWS call that the collector makes, with the right it needs: `IAM-PREFIX:Operation`. The link can ask nothing else, plans
 * and policies are made of it. Never here: DeleteSnapshot, UnlockSnapshot, TerminateInstances (facts/aws §1.5).
 */
export const calls: typeof lookCalls & typeof logCalls & typeof actCalls & typeof containCalls = { ...lookCalls, ...logCalls, ...actCalls, ...containCalls };

export type CallName = keyof typeof calls;

/** The calls that can be tried without acting. */
export type DryRunName = { [N in CallName]: (typeof calls)[N] extends { readonly dryRun: true } ? N : never }[CallName];

export function rowOf(name: CallName): CallRow {
  return calls[name];
}

/** The call as a plan shows it. */
export function plannedCall(name: CallName): Call {
  const { permission, also, changes } = rowOf(name);
  const needs = new Set([permission === undefined ? name : permission, ...(also ?? []).map((grant) => grant.permission)].filter((need) => need !== null));
  return { call: name, needs: needs.size === 0 ? "no permission" : [...needs].join(", "), changes };
}
