import type { Aws } from "../aws.ts";
import { fitRules, type GroupRule } from "./rules.ts";
import { askAgain, type Got, got, type No, no, refusedBy, type Trail } from "./no.ts";
import { allPages } from "../client/pages.ts";
import { type Belongs, tagsOf } from "../tags.ts";

export type OurGroup = { readonly id: string; readonly name: string; readonly vpc: string };

/** What our groups are for; the name of one is `holdfast-USE-COLLECTION`, once in a VPC. */
const uses = ["cut", "quarantine", "ssm", "s3", "internet"] as const;
export type Use = (typeof uses)[number];

export function groupName(use: Use, collection: string): string {
  return `holdfast-${use}-${collection}`;
}

/** EC2 takes few characters here. */
const descriptions: Readonly<Record<Use, string>> = {
  cut: "Open both ways, so that nothing stays tracked. For seconds only, on the way into quarantine.",
  quarantine: "Nothing in, nothing out.",
  ssm: "The way to Systems Manager, until memory is taken.",
  s3: "The way to S3, until memory is taken.",
  internet: "HTTPS to anywhere, until memory is taken.",
};

/**
 * The groups that this collection made, in all VPCs. Its tag alone is not enough, who sees it in the account can put it on a group of
 * their own; nor is a group without it somebody else's where isolation noted its id (`made`), since a tag is taken off as easily.
 */
export async function ourGroups(aws: Aws, collection: string, made: ReadonlySet<string>, signal: AbortSignal): Promise<Got<readonly OurGroup[]>> {
  const named = await namedGroups(aws, collection, made, signal);
  return named.kind === "no" ? named : got(named.value.filter(({ ours }) => ours));
}

/** All groups that have a name of ours. */
export async function namedGroups(
  aws: Aws,
  collection: string,
  made: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Got<readonly (OurGroup & { readonly ours: boolean })[]>> {
  const call = "ec2:DescribeSecurityGroups";
  const names = uses.map((use) => groupName(use, collection));
  const Filters = [{ Name: "group-name", Values: names }];
  const read = await allPages(call, (from) => aws.link.ask("source", null, call, { Filters, MaxResults: 1000, ...from }, signal));
  if (read.kind === "refused") return refusedBy(read);
  return got(
    read.pages
      .flatMap(({ SecurityGroups = [] }) => SecurityGroups)
      .map(({ GroupId: id = "", GroupName, VpcId, Tags = [] }) => ({
        id,
        name: GroupName ?? "",
        vpc: VpcId ?? "",
        ours: made.has(id) || Tags.some(({ Key, Value }) => Key === "holdfast:collection" && Value === collection),
      })),
  );
}

/** The group for one use in one VPC, found or made, with exactly these rules, read back. Safe to repeat. */
export async function ensureGroup(
  aws: Aws,
  belongs: Belongs,
  vpc: string,
  use: Use,
  rules: readonly GroupRule[],
  noted: ReadonlySet<string>,
  trail: Trail,
  signal: AbortSignal,
): Promise<Got<string>> {
  const name = groupName(use, belongs.collection);
  const find = async (): Promise<string | No | null> => {
    const known = await ourGroups(aws, belongs.collection, noted, signal);
    return known.kind === "no" ? known : (known.value.find((group) => group.vpc === vpc && group.name === name)?.id ?? null);
  };
  const known = await find();
  const id = known ?? (await make(aws, belongs, vpc, use, trail, find, signal));
  if (typeof id !== "string") return id;
  const unfit = await fitRules(aws, id, rules, trail, signal);
  return unfit ?? got(id);
}

async function make(
  aws: Aws,
  belongs: Belongs,
  vpc: string,
  use: Use,
  trail: Trail,
  find: () => Promise<string | No | null>,
  signal: AbortSignal,
): Promise<string | No> {
  const name = groupName(use, belongs.collection);
  const made = await aws.link.ask(
    "source",
    null,
    "ec2:CreateSecurityGroup",
    {
      GroupName: name,
      Description: descriptions[use],
      VpcId: vpc,
      TagSpecifications: [{ ResourceType: "security-group", Tags: tagsOf(belongs) }],
    },
    signal,
    { settle: askAgain },
  );
  if (made.kind === "answer" && made.value.GroupId !== undefined) {
    trail.ids.push(made.requestId);
    return made.value.GroupId;
  }
  if (made.kind === "refused" && made.code !== "InvalidGroup.Duplicate") return refusedBy(made);
  return (await find()) ?? no(`${vpc} has a group named ${name} that does not carry our tag: somebody else made it; delete it and try again`);
}

/** Deletes our groups; what EC2 keeps is named. Safe to repeat. */
export async function deleteGroups(
  aws: Aws,
  groups: readonly OurGroup[],
  trail: Trail,
  signal: AbortSignal,
): Promise<{ readonly deleted: number; readonly kept: readonly No[] }> {
  const kept: No[] = [];
  let deleted = 0;
  for (const { id, name } of groups) {
    const answer = await aws.link.ask("source", null, "ec2:DeleteSecurityGroup", { GroupId: id }, signal);
    if (answer.kind === "answer") trail.ids.push(answer.requestId);
    if (answer.kind === "answer" || answer.trouble === "missing") deleted += 1;
    else if (answer.code === "DependencyViolation") kept.push(no(`group ${id} (${name}) is still used by something and was left`));
    else kept.push(refusedBy(answer));
  }
  return { deleted, kept };
}
