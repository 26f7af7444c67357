/** Rules of security groups, as requests name them (IpPermissions) and as answers show them. */
import { isIP } from "node:net";
import type { GroupRule, RulePeer, SecurityGroup } from "./ec2-network-world.ts";
import { shownTags } from "./ec2-listing.ts";
import { itemsOf, numberOf, requiredText, textOf } from "./params.ts";
import { AwsRefusal, type Call, type Params, Unknown } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

/** A rule that has no id yet, or that is only meant to name one. */
export type RuleAsked = Pick<GroupRule, "protocol" | "from" | "to" | "peer" | "description">;

export function rulesAsked(call: Call): readonly RuleAsked[] {
  for (const name of ["CidrIp", "IpProtocol", "SourceSecurityGroupName", "GroupName"])
    if (textOf(call.params, name) !== null) throw new Unknown(`${call.service}:${call.operation} with ${name} outside IpPermissions`);
  const rules = itemsOf(call.params, "IpPermissions").flatMap((permission) => permissionRules(permission, call.account));
  const seen = new Set<string>();
  for (const rule of rules) {
    if (seen.has(ruleKey(rule))) throw new AwsRefusal("InvalidParameterValue", "The same permission must not appear multiple times");
    seen.add(ruleKey(rule));
  }
  return rules;
}

/** What makes two rules the same: all but id, description and tags. */
export function ruleKey({ protocol, from, to, peer }: RuleAsked): string {
  return JSON.stringify([protocol, from, to, peer]);
}

const names: Readonly<Record<string, string>> = { "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6" };

function permissionRules(permission: Params, account: string): readonly RuleAsked[] {
  const given = requiredText(permission, "IpProtocol").toLowerCase();
  const protocol = names[given] ?? given;
  if (!["tcp", "udp", "icmp", "icmpv6", "-1"].includes(protocol) && !(/^\d{1,3}$/.test(protocol) && Number(protocol) <= 255))
    throw new AwsRefusal("InvalidPermission.Malformed", `Unsupported IP protocol "${given}" - supported: [tcp, udp, icmp]`);
  const { from, to } = portsOf(protocol, permission);
  const common = (entry: Params): Pick<RuleAsked, "protocol" | "from" | "to" | "description"> => ({
    protocol,
    from,
    to,
    description: textOf(entry, "Description"),
  });
  const rules: readonly RuleAsked[] = [
    ...itemsOf(permission, "IpRanges").map((entry) => ({ ...common(entry), peer: cidrPeer(requiredText(entry, "CidrIp"), "ipv4") })),
    ...itemsOf(permission, "Ipv6Ranges").map((entry) => ({ ...common(entry), peer: cidrPeer(requiredText(entry, "CidrIpv6"), "ipv6") })),
    ...itemsOf(permission, "PrefixListIds").map((entry) => ({
      ...common(entry),
      peer: { kind: "prefix-list", id: requiredText(entry, "PrefixListId") } as const,
    })),
    ...itemsOf(permission, "Groups").map((entry) => ({
      ...common(entry),
      peer: { kind: "group", group: requiredText(entry, "GroupId"), account: textOf(entry, "UserId") ?? account } as const,
    })),
  ];
  if (rules.length === 0) throw new AwsRefusal("MissingParameter", "Missing source specification: include source security group or CIDR information");
  return rules;
}

function portsOf(protocol: string, permission: Params): Pick<GroupRule, "from" | "to"> {
  const [from, to] = [numberOf(permission, "FromPort"), numberOf(permission, "ToPort")];
  if (protocol === "tcp" || protocol === "udp") {
    if (from === null || to === null)
      throw new AwsRefusal("InvalidParameterValue", "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.");
    if (from < 0 || to > 65_535 || from > to) throw new AwsRefusal("InvalidParameterValue", `TCP/UDP port (${from}, ${to}) out of range`);
    return { from, to };
  }
  if (protocol === "icmp" && (from === null || to === null))
    throw new AwsRefusal("InvalidParameterValue", "Invalid value for portRange. Must specify both from and to ports with ICMP.");
  // Whatever ports are named beside another protocol, it is all of them.
  return protocol === "icmp" || protocol === "icmpv6" ? { from: from ?? -1, to: to ?? -1 } : { from: null, to: null };
}

function cidrPeer(cidr: string, kind: "ipv4" | "ipv6"): RulePeer {
  const [address = "", bits = "", ...rest] = cidr.split("/");
  const [version, most] = kind === "ipv4" ? [4, 32] : [6, 128];
  if (isIP(address) !== version || !/^\d{1,3}$/.test(bits) || Number(bits) > most || rest.length > 0)
    throw new AwsRefusal("InvalidParameterValue", `CIDR block ${cidr} is malformed`);
  return { kind, cidr };
}

/** As DescribeSecurityGroups shows them: one permission for each protocol and range of ports. */
export function permissionSet(rules: readonly GroupRule[]): XmlObject {
  const groups = Map.groupBy(rules, ({ protocol, from, to }) => JSON.stringify([protocol, from, to]));
  return {
    item: [...groups.values()].map((same) => ({
      ipProtocol: same[0]?.protocol,
      fromPort: same[0]?.from,
      toPort: same[0]?.to,
      groups: { item: of(same, "group", (peer) => ({ userId: peer.account, groupId: peer.group })) },
      ipRanges: { item: of(same, "ipv4", (peer) => ({ cidrIp: peer.cidr })) },
      ipv6Ranges: { item: of(same, "ipv6", (peer) => ({ cidrIpv6: peer.cidr })) },
      prefixListIds: { item: of(same, "prefix-list", (peer) => ({ prefixListId: peer.id })) },
    })),
  };
}

function of<K extends RulePeer["kind"]>(rules: readonly GroupRule[], kind: K, show: (peer: Extract<RulePeer, { kind: K }>) => XmlObject): readonly XmlObject[] {
  return rules.flatMap(({ peer, description }) => (isKind(peer, kind) ? [{ ...show(peer), description }] : []));
}

function isKind<K extends RulePeer["kind"]>(peer: RulePeer, kind: K): peer is Extract<RulePeer, { kind: K }> {
  return peer.kind === kind;
}

/** As DescribeSecurityGroupRules shows one: -1 where a protocol has no ports. */
export function shownRule(group: SecurityGroup, rule: GroupRule): XmlObject {
  const { peer } = rule;
  return {
    securityGroupRuleId: rule.id,
    groupId: group.id,
    groupOwnerId: group.account,
    ...shownMatch(rule),
    referencedGroupInfo: peer.kind === "group" ? { groupId: peer.group, userId: peer.account } : null,
    tagSet: shownTags(rule.tags),
    securityGroupRuleArn: `arn:aws:ec2:${group.region}:${group.account}:security-group-rule/${rule.id}`,
  };
}

/** As RevokeSecurityGroupEgress shows one that is gone. */
export function shownRevoked(group: SecurityGroup, rule: GroupRule): XmlObject {
  return { securityGroupRuleId: rule.id, groupId: group.id, ...shownMatch(rule), referencedGroupId: rule.peer.kind === "group" ? rule.peer.group : null };
}

function shownMatch({ egress, protocol, from, to, peer, description }: GroupRule): XmlObject {
  return {
    isEgress: egress,
    ipProtocol: protocol,
    fromPort: from ?? -1,
    toPort: to ?? -1,
    cidrIpv4: peer.kind === "ipv4" ? peer.cidr : null,
    cidrIpv6: peer.kind === "ipv6" ? peer.cidr : null,
    prefixListId: peer.kind === "prefix-list" ? peer.id : null,
    description,
  };
}
