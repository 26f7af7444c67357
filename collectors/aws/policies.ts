import { type CallName, calls, rowOf } from "./calls/calls.ts";
import type { CallRole, Condition, Grant } from "./calls/row.ts";

/** Where a policy is to hold. `account` may be `*`; without an evidence account nothing is shared, and no right to share is given. */
export type Place = { readonly partition: string; readonly account: string; readonly evidence: string | null; readonly logBuckets: readonly string[] };

export type Statement = {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Condition;
};
export type PolicyDocument = { readonly Version: "2012-10-17"; readonly Statement: readonly Statement[] };

/** What a role must be allowed for the calls that it makes, and nothing else. */
export function callPolicy(role: CallRole, place: Place): PolicyDocument {
  const names = Object.keys(calls) as CallName[]; // the table's own keys
  const grants = names.flatMap((name): readonly Grant[] => {
    const { roles, permission = name, resources, condition, also = [] } = rowOf(name);
    if (!roles.includes(role)) return [];
    const own: Grant = { permission: permission ?? "", ...(resources === undefined ? {} : { resources }), ...(condition === undefined ? {} : { condition }) };
    return permission === null ? also : [own, ...also];
  });
  return policyOf(grants, place);
}

/** Grants as one document: those with the same resources and condition in one statement, all in one order. */
export function policyOf(grants: readonly Grant[], place: Place): PolicyDocument {
  const groups = new Map<string, { readonly actions: Set<string>; readonly Resource: readonly string[]; readonly Condition?: Condition }>();
  for (const grant of grants) {
    const Resource = (grant.resources ?? ["*"]).flatMap((resource) => expand(resource, place)).toSorted();
    const Condition = grant.condition === undefined ? undefined : fill(grant.condition, place);
    if (Resource.length === 0 || Condition === null) continue;
    const key = JSON.stringify([Resource, Condition]);
    const group = groups.get(key) ?? { actions: new Set<string>(), Resource, ...(Condition === undefined ? {} : { Condition }) };
    group.actions.add(grant.permission);
    groups.set(key, group);
  }
  const unnamed = [...groups.values()].map(({ actions, ...rest }) => ({ Action: [...actions].toSorted(), ...rest }));
  unnamed.sort((a, b) => (JSON.stringify(a.Action) + JSON.stringify(a) < JSON.stringify(b.Action) + JSON.stringify(b) ? -1 : 1));
  const named = new Map<string, number>();
  const Statement = unnamed.map((statement): Statement => {
    const name = sidOf(statement.Action[0] ?? "");
    const seen = named.get(name) ?? 0;
    named.set(name, seen + 1);
    return { Sid: seen === 0 ? name : `${name}${seen + 1}`, Effect: "Allow", ...statement };
  });
  return { Version: "2012-10-17", Statement };
}

/** `ec2:CreateSnapshots` → `Ec2CreateSnapshots`: a Sid is letters and digits. */
function sidOf(action: string): string {
  return action
    .split(":")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

/** A text with its places filled in: none where there is nothing to fill in, several where there are several. */
function expand(text: string, { partition, account, evidence, logBuckets }: Place): readonly string[] {
  const filled = text.replaceAll("{partition}", partition).replaceAll("{account}", account);
  if (filled.includes("{evidence}")) return evidence === null ? [] : [filled.replaceAll("{evidence}", evidence)];
  if (filled.includes("{logs}")) return logBuckets.map((bucket) => filled.replaceAll("{logs}", bucket));
  return [filled];
}

/** Null where a value has nothing to be filled with: a right without its condition would be more than was meant. */
function fill(condition: Condition, place: Place): Condition | null {
  let whole = true;
  const value = (text: string | readonly string[]): string | readonly string[] => {
    const texts = typeof text === "string" ? [text] : text;
    const filled = texts.flatMap((one) => expand(one, place));
    if (filled.length < texts.length) whole = false;
    return typeof text === "string" ? (filled[0] ?? "") : filled;
  };
  const out = Object.fromEntries(
    Object.entries(condition).map(([operator, keys]) => [operator, Object.fromEntries(Object.entries(keys).map(([key, text]) => [key, value(text)]))]),
  );
  return whole ? out : null;
}
