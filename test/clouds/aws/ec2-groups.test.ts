import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  type IpPermission,
  ModifyNetworkInterfaceAttributeCommand,
  RevokeSecurityGroupEgressCommand,
} from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { ec2Service } from "./ec2.ts";
import { beginFlow, flowsAlive, wouldConnect } from "./ec2-flows.ts";
import { office, type PlantedNetwork, plantNetwork } from "./ec2-network-planted.ts";
import type { Ec2Network, Flow } from "./ec2-network-world.ts";
import { type Ec2World, ec2World } from "./ec2-world.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";

const place = { account: "111122223333", region: "eu-west-1" };
const key = userKey(place.account, "collector");
const attacker = "192.0.2.66";
const anything: IpPermission = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
let world: Ec2World;
let network: Ec2Network;
let planted: PlantedNetwork;
let fake: AwsFake;
let ec2: EC2Client;

beforeEach(async () => {
  world = ec2World();
  network = world.network;
  planted = plantNetwork(network, place, "i-0123456789abcdef0");
  fake = await openAwsFake({ services: [ec2Service(world)], keys: makeKeyRing([key]) });
  ec2 = new EC2Client({ endpoint: fake.url, region: place.region, credentials: key, maxAttempts: 1 });
});
afterEach(async () => {
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
  await fake.close();
});

async function create(name: string, more: { VpcId?: string; Description?: string } = {}): Promise<string> {
  const made = await ec2.send(new CreateSecurityGroupCommand({ GroupName: name, Description: "Holdfast quarantine", VpcId: planted.vpc, ...more }));
  return made.GroupId ?? "";
}

async function wear(...groups: string[]): Promise<void> {
  await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: planted.interfaces[0].id, Groups: groups }));
}

/** Both ways open to everything: EC2 stops tracking. */
async function openGroup(): Promise<string> {
  const id = await create("open");
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: [anything] }));
  return id;
}

async function closedGroup(): Promise<string> {
  const id = await create("closed");
  await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: [anything] }));
  return id;
}

async function rulesOf(id: string): Promise<readonly unknown[]> {
  const { SecurityGroupRules = [] } = await ec2.send(new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: "group-id", Values: [id] }] }));
  return SecurityGroupRules.map((rule) => [rule.IsEgress, rule.IpProtocol, rule.FromPort, rule.CidrIpv4 ?? rule.CidrIpv6 ?? rule.ReferencedGroupInfo?.GroupId]);
}

function flow(begun: Flow["begun"], remote: string, port: number, tracked: Flow["tracked"] = "by-rules"): Flow {
  return beginFlow(network, { interface: planted.interfaces[0].id, begun, protocol: "tcp", remote, port, tracked });
}

function alive(): readonly string[] {
  return flowsAlive(network, planted.interfaces[0].id).map(({ remote, port }) => `${remote}:${port}`);
}

test("a new group lets everything out, over IPv6 too where its VPC has it", async () => {
  expect(await rulesOf(await create("quarantine"))).toEqual([[true, "-1", -1, "0.0.0.0/0"]]);
  network.vpcs.push({ ...place, id: "vpc-0123456789abcdef9", cidr: "10.9.0.0/16", ipv6Cidr: "2001:db8::/56", isDefault: false });
  expect(await rulesOf(await create("quarantine", { VpcId: "vpc-0123456789abcdef9" }))).toEqual([
    [true, "-1", -1, "0.0.0.0/0"],
    [true, "-1", -1, "::/0"],
  ]);
});

test("a group's name is its VPC's own, whatever its case, and both it and its description are of plain characters", async () => {
  const tags = [{ Key: "holdfast:collection", Value: "c1" }];
  const TagSpecifications = [{ ResourceType: "security-group" as const, Tags: tags }];
  const made = await ec2.send(new CreateSecurityGroupCommand({ GroupName: "Quarantine", Description: "x", VpcId: planted.vpc, TagSpecifications }));
  expect(made.Tags).toEqual(tags);
  await expect(create("quarantine")).rejects.toMatchObject({ name: "InvalidGroup.Duplicate" });
  await expect(create("q2", { Description: "the case's group" })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  await expect(create("sg-1")).rejects.toMatchObject({ name: "InvalidParameterValue" });
  await expect(create("q3", { VpcId: "vpc-0bbbbbbbbbbbbbbbb" })).rejects.toMatchObject({ name: "InvalidVpcID.NotFound" });
  const mine = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: "tag:holdfast:collection", Values: ["c*"] }] }));
  expect(mine.SecurityGroups?.map(({ GroupName }) => GroupName)).toEqual(["Quarantine"]);
});

test("rules are shown by group and one by one, and a rule that is there is not added again", async () => {
  const { SecurityGroups } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [planted.web.id, planted.database.id] }));
  expect(
    SecurityGroups?.map(({ IpPermissions }) => IpPermissions?.map((one) => [one.FromPort, one.IpRanges?.[0]?.CidrIp, one.UserIdGroupPairs?.[0]?.GroupId])),
  ).toEqual([
    [
      [443, "0.0.0.0/0", undefined],
      [22, office, undefined],
    ],
    [[5432, undefined, planted.web.id]],
  ]);
  const id = await create("quarantine");
  const ssm: IpPermission = {
    IpProtocol: "tcp",
    FromPort: 443,
    ToPort: 443,
    UserIdGroupPairs: [{ GroupId: planted.byDefault.id }],
    Ipv6Ranges: [{ CidrIpv6: "2001:db8::/56" }],
  };
  const added = await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: [ssm] }));
  expect(added.SecurityGroupRules?.length).toBe(2);
  await expect(ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: [anything] }))).rejects.toMatchObject({
    name: "InvalidPermission.Duplicate",
  });
  expect(await rulesOf(id)).toEqual([
    [true, "-1", -1, "0.0.0.0/0"],
    [true, "tcp", 443, "2001:db8::/56"],
    [true, "tcp", 443, planted.byDefault.id],
  ]);
});

test("egress that is not there cannot be revoked, but in a default VPC that is only told", async () => {
  const id = await closedGroup();
  expect(await rulesOf(id)).toEqual([]);
  const revoke = (GroupId: string): RevokeSecurityGroupEgressCommand => new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [anything] });
  await expect(ec2.send(revoke(id))).rejects.toMatchObject({ name: "InvalidPermission.NotFound" });
  network.vpcs.push({ ...place, id: "vpc-0123456789abcdefd", cidr: "172.31.0.0/16", isDefault: true });
  const inDefault = await ec2.send(new CreateSecurityGroupCommand({ GroupName: "d", Description: "d" }));
  const GroupId = inDefault.GroupId ?? "";
  expect((await ec2.send(revoke(GroupId))).RevokedSecurityGroupRules?.length).toBe(1);
  expect((await ec2.send(revoke(GroupId))).UnknownIpPermissions?.length).toBe(1);
  const rule = planted.web.rules.find(({ egress }) => egress)?.id ?? "";
  const byId = new RevokeSecurityGroupEgressCommand({ GroupId: planted.web.id, SecurityGroupRuleIds: [rule] });
  expect((await ec2.send(byId)).RevokedSecurityGroupRules?.map(({ SecurityGroupRuleId }) => SecurityGroupRuleId)).toEqual([rule]);
  await expect(ec2.send(byId)).rejects.toMatchObject({ name: "InvalidSecurityGroupRuleId.NotFound" });
});

test("a group that something wears or names cannot be deleted, nor the default one", async () => {
  const id = await closedGroup();
  await wear(id);
  const remove = (GroupId: string): Promise<unknown> => ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
  await expect(remove(id)).rejects.toMatchObject({ name: "DependencyViolation" });
  await expect(remove(planted.web.id)).rejects.toMatchObject({ name: "DependencyViolation" });
  await expect(remove(planted.byDefault.id)).rejects.toMatchObject({ name: "CannotDelete" });
  await wear(planted.web.id);
  expect(await remove(id)).toMatchObject({ Return: true });
  await expect(remove(id)).rejects.toMatchObject({ name: "InvalidGroup.NotFound" });
});

test("a dry run changes nothing and says that it would have", async () => {
  await expect(ec2.send(new CreateSecurityGroupCommand({ GroupName: "q", Description: "q", VpcId: planted.vpc, DryRun: true }))).rejects.toMatchObject({
    name: "DryRunOperation",
  });
  expect(network.groups.some(({ name }) => name === "q")).toBe(false);
});

test("a tracked connection survives the closed group, and does not survive an open one before it", async () => {
  flow("in", "198.51.100.7", 22);
  const closed = await closedGroup();
  await wear(closed);
  expect(alive()).toEqual(["198.51.100.7:22"]);
  expect(wouldConnect(network, planted.interfaces[0].id, { begun: "in", protocol: "tcp", remote: "198.51.100.7", port: 22 })).toBe(false);
  await wear(await openGroup());
  expect(alive()).toEqual(["198.51.100.7:22"]);
  await wear(closed);
  expect(alive()).toEqual([]);
});

test("an untracked connection ends with the rule that let it in", async () => {
  flow("in", attacker, 443); // open to anywhere, and everything may go out: not tracked (User Guide)
  flow("in", "198.51.100.7", 22);
  await wear(await closedGroup());
  expect(alive()).toEqual(["198.51.100.7:22"]);
});

test("closing the open group itself cuts as well, and a connection on a path that is always tracked is not cut by any of it", async () => {
  flow("out", attacker, 4444);
  flow("out", "10.0.1.50", 443, "always");
  const open = await openGroup();
  await wear(open);
  await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: open, IpPermissions: [anything] }));
  expect(alive()).toEqual(["10.0.1.50:443"]);
});

test("a group that lets the way to SSM stay keeps it, and new connections elsewhere are not begun", async () => {
  const ssm: IpPermission = { IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: "10.0.1.0/24" }] };
  const closed = await closedGroup();
  await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: closed, IpPermissions: [ssm] }));
  flow("out", attacker, 4444);
  flow("out", "10.0.1.50", 443);
  await wear(await openGroup());
  await wear(closed);
  expect(alive()).toEqual(["10.0.1.50:443"]);
  expect(() => flow("out", attacker, 4444)).toThrow(attacker);
});
