/** Security groups: what isolation makes, fills, puts on and takes away again. */
import { noteGroups } from "./ec2-flows.ts";
import { permissionSet, type RuleAsked, ruleKey, rulesAsked, shownRevoked, shownRule } from "./ec2-group-rules.ts";
import { shownTags, tagsAsked } from "./ec2-listing.ts";
import { described } from "./ec2-described.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import type { Ec2World } from "./ec2-world.ts";
import { type Ec2Network, type GroupRule, here, newId, type SecurityGroup, type Vpc } from "./ec2-network-world.ts";
import { requiredText, textOf, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply, Unknown } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

/** Rules of one direction that a group may have, unless the account has asked for more. */
const mostRules = 60;

export function groupOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  const { network } = world;
  return {
    DescribeSecurityGroups: (call) => describeGroups(world, call),
    DescribeSecurityGroupRules: (call) => describeRules(world, call),
    CreateSecurityGroup: (call) => createGroup(network, call),
    AuthorizeSecurityGroupIngress: (call) => authorize(network, call, false),
    AuthorizeSecurityGroupEgress: (call) => authorize(network, call, true),
    RevokeSecurityGroupEgress: (call) => revokeEgress(network, call),
    DeleteSecurityGroup: (call) => deleteGroup(network, call),
  };
}

/** In the caller's account and Region. */
export function groupOf(network: Ec2Network, call: Call, id: string): SecurityGroup {
  if (!id.startsWith("sg-")) throw new AwsRefusal("InvalidGroupId.Malformed", `Invalid id: "${id}" (expecting "sg-...")`);
  const group = here(network.groups, call).find((one) => one.id === id);
  if (group === undefined) throw noGroup(id);
  return group;
}

function noGroup(id: string): AwsRefusal {
  return new AwsRefusal("InvalidGroup.NotFound", `The security group '${id}' does not exist`);
}

function describeGroups(world: Ec2World, call: Call): Reply {
  if (textsOf(call.params, "GroupName").length > 0) throw new Unknown(`${call.service}:${call.operation} with GroupNames`);
  return described(world, call, {
    all: here(world.network.groups, call),
    set: "securityGroupInfo",
    show: shownGroup,
    ids: { parameter: "GroupId", of: ({ id }) => id, missing: noGroup },
    fields: (group) => ({
      "group-id": [group.id],
      "group-name": [group.name],
      "vpc-id": [group.vpc],
      "owner-id": [group.account],
      description: [group.description],
      ...peerFields("ip-permission", ofSide(group, false)),
      ...peerFields("egress.ip-permission", ofSide(group, true)),
    }),
    tags: ({ tags }) => tags,
  });
}

function peerFields(name: string, rules: readonly GroupRule[]): Readonly<Record<string, readonly string[]>> {
  const values = (kind: GroupRule["peer"]["kind"]): readonly string[] => rules.filter(({ peer }) => peer.kind === kind).map(peerText);
  return {
    [`${name}.cidr`]: values("ipv4"),
    [`${name}.ipv6-cidr`]: values("ipv6"),
    [`${name}.prefix-list-id`]: values("prefix-list"),
    [`${name}.group-id`]: values("group"),
  };
}

function shownGroup(group: SecurityGroup): XmlObject {
  return {
    ownerId: group.account,
    groupId: group.id,
    groupName: group.name,
    groupDescription: group.description,
    vpcId: group.vpc,
    securityGroupArn: arnOf(group),
    ipPermissions: permissionSet(ofSide(group, false)),
    ipPermissionsEgress: permissionSet(ofSide(group, true)),
    tagSet: shownTags(group.tags),
  };
}

function describeRules(world: Ec2World, call: Call): Reply {
  return described(world, call, {
    all: here(world.network.groups, call).flatMap((group) => group.rules.map((rule) => ({ group, rule }))),
    set: "securityGroupRuleSet",
    show: ({ group, rule }) => shownRule(group, rule),
    ids: { parameter: "SecurityGroupRuleId", of: ({ rule }) => rule.id, missing: noRule },
    fields: ({ group, rule }) => ({ "group-id": [group.id], "security-group-rule-id": [rule.id] }),
    tags: ({ rule }) => rule.tags,
  });
}

function noRule(id: string): AwsRefusal {
  return new AwsRefusal("InvalidSecurityGroupRuleId.NotFound", `The security group rule ID '${id}' does not exist`);
}

/** Any other character is refused in names and descriptions, a quotation mark or an apostrophe too. */
const words = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/;

function createGroup(network: Ec2Network, call: Call): () => Reply {
  const name = requiredText(call.params, "GroupName");
  const description = requiredText(call.params, "GroupDescription");
  if (!words.test(description)) throw new AwsRefusal("InvalidParameterValue", `Invalid security group description: ${description}`);
  if (!words.test(name) || name.startsWith("sg-")) throw new AwsRefusal("InvalidParameterValue", `Invalid value '${name}' for groupName.`);
  if (name.toLowerCase() === "default") throw new AwsRefusal("InvalidParameterValue", "Cannot use reserved security group name: default");
  const vpc = vpcOf(network, call);
  if (network.groups.some((one) => one.vpc === vpc.id && one.name.toLowerCase() === name.toLowerCase()))
    throw new AwsRefusal("InvalidGroup.Duplicate", `The security group '${name}' already exists for VPC '${vpc.id}'`);
  const { account, region } = call;
  const tags = tagsAsked(call, "security-group");
  const all: RuleAsked = { protocol: "-1", from: null, to: null, peer: { kind: "ipv4", cidr: "0.0.0.0/0" }, description: null };
  const egress = vpc.ipv6Cidr === undefined ? [all] : [all, { ...all, peer: { kind: "ipv6", cidr: "::/0" } as const }];
  return () => {
    const rules = egress.map((rule) => made(network, rule, true, new Map()));
    const group: SecurityGroup = { account, region, id: newId(network, "sg"), name, description, vpc: vpc.id, rules, tags };
    network.groups.push(group);
    return { xml: { groupId: group.id, tagSet: shownTags(tags), securityGroupArn: arnOf(group) } };
  };
}

function vpcOf(network: Ec2Network, call: Call): Vpc {
  const id = textOf(call.params, "VpcId");
  const vpc = here(network.vpcs, call).find((one) => (id === null ? one.isDefault : one.id === id));
  if (vpc !== undefined) return vpc;
  throw id === null
    ? new AwsRefusal("VPCIdNotSpecified", "No default VPC for this user")
    : new AwsRefusal("InvalidVpcID.NotFound", `The vpc ID '${id}' does not exist`);
}

function authorize(network: Ec2Network, call: Call, egress: boolean): () => Reply {
  const group = groupOf(network, call, requiredText(call.params, "GroupId"));
  const asked = rulesAsked(call);
  if (asked.length === 0) throw new AwsRefusal("MissingParameter", "The request must contain the parameter ipPermissions");
  const tags = tagsAsked(call, "security-group-rule");
  const known = new Set(ofSide(group, egress).map(ruleKey));
  for (const rule of asked) {
    if (rule.peer.kind === "group" && rule.peer.account === call.account) groupOf(network, call, rule.peer.group);
    if (known.has(ruleKey(rule))) throw new AwsRefusal("InvalidPermission.Duplicate", `the specified rule "peer: ${peerText(rule)}, ALLOW" already exists`);
  }
  if (known.size + asked.length > mostRules)
    throw new AwsRefusal("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.");
  return () => {
    const rules = asked.map((rule) => made(network, rule, egress, tags));
    group.rules = [...group.rules, ...rules];
    noteGroups(network);
    return { xml: { return: true, securityGroupRuleSet: { item: rules.map((rule) => shownRule(group, rule)) } } };
  };
}

/** All or nothing; in a default VPC, what is not there is only told. */
function revokeEgress(network: Ec2Network, call: Call): () => Reply {
  const group = groupOf(network, call, requiredText(call.params, "GroupId"));
  const egress = ofSide(group, true);
  const ids = textsOf(call.params, "SecurityGroupRuleId");
  const asked = rulesAsked(call);
  if ((ids.length === 0) === (asked.length === 0))
    throw new AwsRefusal("InvalidParameterCombination", "Either ipPermissions or securityGroupRuleIds is to be given, and not both");
  for (const id of ids) if (!egress.some((rule) => rule.id === id)) throw noRule(id);
  const unknown = asked.filter((rule) => !egress.some((one) => ruleKey(one) === ruleKey(rule)));
  const inDefault = network.vpcs.some(({ id, isDefault }) => id === group.vpc && isDefault);
  if (unknown.length > 0 && !inDefault) throw new AwsRefusal("InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
  const keys = new Set(asked.map(ruleKey));
  const revoked = egress.filter((rule) => ids.includes(rule.id) || keys.has(ruleKey(rule)));
  const unknownSet = permissionSet(unknown.map((rule) => ({ ...rule, id: "", egress: true, tags: new Map() })));
  return () => {
    group.rules = group.rules.filter((rule) => !revoked.includes(rule));
    noteGroups(network);
    return {
      xml: {
        return: true,
        unknownIpPermissionSet: unknown.length === 0 ? null : unknownSet,
        revokedSecurityGroupRuleSet: { item: revoked.map((rule) => shownRevoked(group, rule)) },
      },
    };
  };
}

function deleteGroup(network: Ec2Network, call: Call): () => Reply {
  const group = groupOf(network, call, requiredText(call.params, "GroupId"));
  if (group.name === "default") throw new AwsRefusal("CannotDelete", `the specified group: "${group.id}" name: "default" cannot be deleted by a user`);
  const worn = [...network.interfaces, ...network.vpcEndpoints].some(({ groups }) => groups.includes(group.id));
  const named = network.groups.some((one) => one !== group && one.rules.some(({ peer }) => peer.kind === "group" && peer.group === group.id));
  if (worn || named) throw new AwsRefusal("DependencyViolation", `resource ${group.id} has a dependent object`);
  return () => {
    network.groups.splice(network.groups.indexOf(group), 1);
    return { xml: { return: true, groupId: group.id } };
  };
}

function made(network: Ec2Network, rule: RuleAsked, egress: boolean, tags: ReadonlyMap<string, string>): GroupRule {
  return { ...rule, id: newId(network, "sgr"), egress, tags: new Map(tags) };
}

function ofSide({ rules }: SecurityGroup, egress: boolean): readonly GroupRule[] {
  return rules.filter((rule) => rule.egress === egress);
}

function arnOf({ region, account, id }: SecurityGroup): string {
  return `arn:aws:ec2:${region}:${account}:security-group/${id}`;
}

function peerText({ peer }: RuleAsked): string {
  if (peer.kind === "group") return peer.group;
  return peer.kind === "prefix-list" ? peer.id : peer.cidr;
}
