import type { Aws } from "../aws.ts";
import { askAgain, type Got, got, type No, no, refusedBy, shows, type Trail } from "./no.ts";
import type { Input, Output } from "../client/link.ts";
import { allPages } from "../client/pages.ts";

/** All traffic, or TCP to one port; to or from a CIDR block or a prefix list. */
export type GroupRule = { readonly egress: boolean; readonly port: number | null; readonly peer: string };

type Shown = NonNullable<Output<"ec2:DescribeSecurityGroupRules">["SecurityGroupRules"]>[number];
type Permissions = NonNullable<Input<"ec2:AuthorizeSecurityGroupEgress">["IpPermissions"]>;

/** Gives a group of ours exactly these rules and reads them back. Null: it has them. Safe to repeat. */
export async function fitRules(aws: Aws, group: string, wanted: readonly GroupRule[], trail: Trail, signal: AbortSignal): Promise<No | null> {
  const want = new Set(wanted.map(keyOf));
  const before = await rulesOf(aws, group, signal);
  if (before.kind === "no") return before;
  const extra = before.value.filter((rule) => !want.has(shownKey(rule)));
  // Nothing here ever adds ingress to a quarantine, and the table of calls has no way to take it away.
  const foreign = extra.find((rule) => rule.IsEgress !== true);
  if (foreign !== undefined)
    return no(`group ${group} has an ingress rule that somebody else added (${foreign.SecurityGroupRuleId}); take it away and try again`);
  if (extra.length > 0) {
    const ids = extra.map((rule) => rule.SecurityGroupRuleId ?? "");
    const revoked = await aws.link.ask("source", null, "ec2:RevokeSecurityGroupEgress", { GroupId: group, SecurityGroupRuleIds: ids }, signal);
    if (revoked.kind === "answer") trail.ids.push(revoked.requestId);
    else if (revoked.trouble !== "missing") return refusedBy(revoked);
  }
  const have = new Set(before.value.map(shownKey));
  const missing = wanted.filter((rule) => !have.has(keyOf(rule)));
  for (const call of ["ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"] as const) {
    const rules = missing.filter(({ egress }) => egress === (call === "ec2:AuthorizeSecurityGroupEgress"));
    if (rules.length === 0) continue;
    const added = await aws.link.ask("source", null, call, { GroupId: group, IpPermissions: permissionsOf(rules) }, signal, { settle: askAgain });
    if (added.kind === "answer") trail.ids.push(added.requestId);
    else if (added.code !== "InvalidPermission.Duplicate") return refusedBy(added);
  }
  const seen = await shows(
    async () => {
      const now = await rulesOf(aws, group, signal);
      if (now.kind === "no") return now;
      return now.value.length === want.size && now.value.every((rule) => want.has(shownKey(rule)));
    },
    aws.sleep,
    signal,
  );
  if (seen === true) return null;
  return seen === false ? no(`EC2 accepted the rules of group ${group} and does not show them`) : seen;
}

async function rulesOf(aws: Aws, group: string, signal: AbortSignal): Promise<Got<readonly Shown[]>> {
  const call = "ec2:DescribeSecurityGroupRules";
  const Filters = [{ Name: "group-id", Values: [group] }];
  const read = await allPages(call, (from) => aws.link.ask("source", null, call, { Filters, MaxResults: 1000, ...from }, signal));
  return read.kind === "refused" ? refusedBy(read) : got(read.pages.flatMap(({ SecurityGroupRules = [] }) => SecurityGroupRules));
}

function keyOf({ egress, port, peer }: GroupRule): string {
  return JSON.stringify([egress, port === null ? "-1" : "tcp", port ?? -1, port ?? -1, peer]);
}

function shownKey(rule: Shown): string {
  const peer = rule.CidrIpv4 ?? rule.CidrIpv6 ?? rule.PrefixListId ?? rule.ReferencedGroupInfo?.GroupId ?? "";
  return JSON.stringify([rule.IsEgress === true, rule.IpProtocol, rule.FromPort ?? -1, rule.ToPort ?? -1, peer]);
}

function permissionsOf(rules: readonly GroupRule[]): Permissions {
  return rules.map(({ port, peer }) => ({
    ...(port === null ? { IpProtocol: "-1" } : { IpProtocol: "tcp", FromPort: port, ToPort: port }),
    ...(peer.startsWith("pl-")
      ? { PrefixListIds: [{ PrefixListId: peer }] }
      : peer.includes(":")
        ? { Ipv6Ranges: [{ CidrIpv6: peer }] }
        : { IpRanges: [{ CidrIp: peer }] }),
  }));
}
