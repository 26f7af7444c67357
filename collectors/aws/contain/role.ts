import type { Aws } from "../aws.ts";
import { type Got, got, no, refusedBy } from "./no.ts";
import type { Output } from "../client/link.ts";
import { allPages } from "../client/pages.ts";

/** The profile that an instance works with, the role in it, and who else in the Region works with that profile. */
export type RoleLook = {
  readonly association: string;
  readonly profile: string;
  /** Null: a profile without a role, which gives no credentials. */
  readonly role: string | null;
  /** Their number, and the ids of some: a fleet would not fit an act. */
  readonly sharing: number;
  readonly others: readonly string[];
};

/** So many other instances are named. */
const named = 50;

type Association = NonNullable<Output<"ec2:DescribeIamInstanceProfileAssociations">["IamInstanceProfileAssociations"]>[number];

/** Null: the instance has no profile. */
export async function lookAtRole(aws: Aws, signal: AbortSignal): Promise<Got<RoleLook | null>> {
  const all = await associationsOf(aws, [], signal);
  if (all.kind === "no") return all;
  const own = all.value.find((one) => one.InstanceId === aws.instance.instance && isThere(one));
  const profile = own?.IamInstanceProfile?.Arn;
  if (own?.AssociationId === undefined || profile === undefined) return got(null);
  const others = all.value.flatMap((one) =>
    one.IamInstanceProfile?.Arn === profile && one.InstanceId !== undefined && one.InstanceId !== aws.instance.instance && isThere(one) ? [one.InstanceId] : [],
  );
  const name = profile.split("/").at(-1) ?? "";
  const answer = await aws.link.ask("source", null, "iam:GetInstanceProfile", { InstanceProfileName: name }, signal);
  if (answer.kind === "refused") return refusedBy(answer);
  const role = answer.value.InstanceProfile?.Roles?.[0]?.RoleName ?? null;
  if (answer.value.InstanceProfile?.Arn !== profile) return no(`the profile ${name} is not ${profile} any more`);
  return got({ association: own.AssociationId, profile, role, sharing: others.length, others: others.slice(0, named) });
}

/** Of the instances that are named, or of all in the Region. Those on their way out count until they are gone. */
export async function associationsOf(aws: Aws, instances: readonly string[], signal: AbortSignal): Promise<Got<readonly Association[]>> {
  const call = "ec2:DescribeIamInstanceProfileAssociations";
  const filters = instances.length === 0 ? {} : { Filters: [{ Name: "instance-id", Values: [...instances] }] };
  const read = await allPages(call, (from) => aws.link.ask("source", null, call, { ...filters, MaxResults: 1000, ...from }, signal));
  return read.kind === "refused" ? refusedBy(read) : got(read.pages.flatMap(({ IamInstanceProfileAssociations: found = [] }) => found));
}

export function isThere({ State }: Association): boolean {
  return State === "associating" || State === "associated";
}

/** The name of our revocation on a role: one for each collection. */
export function revocationName(collection: string): string {
  return `holdfast-revoke-${collection}`;
}

/** Denies what was issued before; a session begun later is a new one (IAM User Guide, "Revoking IAM role temporary security credentials"). */
export function revocation(before: Date): string {
  const issued = `${before.toISOString().slice(0, 19)}Z`;
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Deny", Action: ["*"], Resource: ["*"], Condition: { DateLessThan: { "aws:TokenIssueTime": issued } } }],
  });
}

/** The policy of that name as the role has it, or null, and AWS's clock at that. */
export async function revocationOn(
  aws: Aws,
  role: string,
  name: string,
  signal: AbortSignal,
): Promise<Got<{ readonly document: string | null; readonly date: string | null }>> {
  const answer = await aws.link.ask("source", null, "iam:GetRolePolicy", { RoleName: role, PolicyName: name }, signal);
  const { date } = answer;
  if (answer.kind === "refused") return answer.trouble === "missing" ? got({ document: null, date }) : refusedBy(answer);
  return got({ document: decodeURIComponent(answer.value.PolicyDocument ?? ""), date });
}
