import {
  AssociateIamInstanceProfileCommand,
  DeleteFlowLogsCommand,
  DescribeFlowLogsCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  DescribeNetworkAclsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DisassociateIamInstanceProfileCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  type ModifyNetworkInterfaceAttributeCommandInput,
  paginateDescribeNetworkInterfaces,
} from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { ec2Service } from "./ec2.ts";
import { newInstance } from "./ec2-made.ts";
import { type PlantedNetwork, plantNetwork } from "./ec2-network-planted.ts";
import { type Ec2World, ec2World } from "./ec2-world.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";

const place = { account: "111122223333", region: "eu-west-1" };
const key = userKey(place.account, "collector");
const other = userKey("444455556666", "collector");
const id = "i-0123456789abcdef0";
let world: Ec2World;
let planted: PlantedNetwork;
let fake: AwsFake;
let ec2: EC2Client;

beforeEach(async () => {
  world = ec2World();
  planted = plantNetwork(world.network, place, id);
  world.instances.push(newInstance({ ...place, id, vpc: planted.vpc, subnet: planted.subnets[0] }));
  fake = await openAwsFake({ services: [ec2Service(world)], keys: makeKeyRing([key, other]) });
  ec2 = new EC2Client({ endpoint: fake.url, region: place.region, credentials: key, maxAttempts: 1 });
});
afterEach(async () => {
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
  await fake.close();
});

async function change(more: Partial<ModifyNetworkInterfaceAttributeCommandInput>): Promise<void> {
  await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: planted.interfaces[0].id, ...more }));
}

test("the interfaces of an instance are found by it, with their addresses and groups", async () => {
  const { NetworkInterfaces } = await ec2.send(
    new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [id] }], MaxResults: 500 }),
  );
  expect(
    NetworkInterfaces?.map((one) => [
      one.Attachment?.DeviceIndex,
      one.PrivateIpAddresses?.map(({ PrivateIpAddress }) => PrivateIpAddress),
      one.Association?.PublicIp,
      one.Groups,
    ]),
  ).toEqual([
    [0, ["10.0.0.10"], "203.0.113.10", [{ GroupId: planted.web.id, GroupName: "web" }]],
    [1, ["10.0.1.11", "10.0.1.12"], undefined, [{ GroupId: planted.database.id, GroupName: "database" }]],
  ]);
});

test("pages go to the end, short and empty ones too, and a token belongs to its request", async () => {
  world.pageSize = 1;
  world.emptyPages = 1;
  const lengths: number[] = [];
  for await (const page of paginateDescribeNetworkInterfaces({ client: ec2 }, { MaxResults: 100 })) lengths.push(page.NetworkInterfaces?.length ?? -1);
  expect(lengths).toEqual([0, 1, 0, 1, 0, 1]);
  const { NextToken } = await ec2.send(new DescribeNetworkInterfacesCommand({ MaxResults: 100 }));
  await expect(ec2.send(new DescribeNetworkInterfacesCommand({ MaxResults: 101, NextToken }))).rejects.toThrow();
  const both = { NetworkInterfaceIds: [planted.managed.id], MaxResults: 100 };
  await expect(ec2.send(new DescribeNetworkInterfacesCommand(both))).rejects.toMatchObject({ name: "InvalidParameterCombination" });
});

test("nobody sees another account's network", async () => {
  const theirs = new EC2Client({ endpoint: fake.url, region: place.region, credentials: other, maxAttempts: 1 });
  expect((await theirs.send(new DescribeNetworkInterfacesCommand({}))).NetworkInterfaces).toEqual([]);
  await expect(theirs.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [planted.managed.id] }))).rejects.toMatchObject({
    name: "InvalidNetworkInterfaceID.NotFound",
  });
});

test("an interface takes groups of its own VPC only, and a service's interface takes none from us", async () => {
  await change({ Groups: [planted.byDefault.id, planted.web.id] });
  expect(planted.interfaces[0].groups).toEqual([planted.byDefault.id, planted.web.id]);
  world.network.groups.push({ ...planted.web, id: "sg-0bbbbbbbbbbbbbbbb", vpc: "vpc-0bbbbbbbbbbbbbbbb" });
  await expect(change({ Groups: ["sg-0bbbbbbbbbbbbbbbb"] })).rejects.toMatchObject({ name: "InvalidGroup.NotFound" });
  await expect(change({ Groups: ["sg-0cccccccccccccccc"] })).rejects.toMatchObject({ name: "InvalidGroup.NotFound" });
  await expect(change({ Groups: ["web"] })).rejects.toMatchObject({ name: "InvalidGroupId.Malformed" });
  await expect(change({ NetworkInterfaceId: planted.managed.id, Groups: [planted.web.id] })).rejects.toMatchObject({ name: "AuthFailure" });
  await expect(change({ NetworkInterfaceId: "eni-0bbbbbbbbbbbbbbbb", Groups: [planted.web.id] })).rejects.toMatchObject({
    name: "InvalidNetworkInterfaceID.NotFound",
  });
});

test("one attribute of an interface is changed at a time", async () => {
  await expect(change({ Groups: [planted.web.id], SourceDestCheck: { Value: false } })).rejects.toMatchObject({ name: "InvalidParameterCombination" });
  await change({ SourceDestCheck: { Value: false } });
  await change({ Description: { Value: "seen by us" } });
  await change({ Attachment: { AttachmentId: planted.interfaces[0].attachment?.id, DeleteOnTermination: false } });
  await change({ ConnectionTrackingSpecification: { TcpEstablishedTimeout: 60 } });
  await expect(change({ ConnectionTrackingSpecification: { UdpTimeout: 61 } })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  const { NetworkInterfaces } = await ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [planted.interfaces[0].id] }));
  expect(NetworkInterfaces?.[0]).toMatchObject({
    SourceDestCheck: false,
    Description: "seen by us",
    Attachment: { DeleteOnTermination: false },
    ConnectionTrackingConfiguration: { TcpEstablishedTimeout: 60 },
  });
});

test("subnets, route tables, network ACLs and endpoints are found by where they belong", async () => {
  const [open, closed] = planted.subnets;
  const inSubnet = (name: string) => ({ Filters: [{ Name: name, Values: [open] }] });
  const subnets = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [open, closed] }));
  expect(subnets.Subnets?.map(({ CidrBlock, AvailableIpAddressCount }) => [CidrBlock, AvailableIpAddressCount])).toEqual([
    ["10.0.0.0/24", 251],
    ["10.0.1.0/24", 251],
  ]);
  const tables = await ec2.send(new DescribeRouteTablesCommand(inSubnet("association.subnet-id")));
  expect(tables.RouteTables?.[0]?.Routes?.map(({ GatewayId }) => GatewayId)).toEqual(["local", "igw-0123456789abcdef0"]);
  const main = await ec2.send(new DescribeRouteTablesCommand({ Filters: [{ Name: "association.main", Values: ["true"] }] }));
  expect(main.RouteTables?.[0]?.Routes?.[1]?.NatGatewayId).toBe("nat-0123456789abcdef0");
  await expect(ec2.send(new DescribeRouteTablesCommand({ MaxResults: 101 }))).rejects.toMatchObject({ name: "InvalidParameterValue" });
  const acls = await ec2.send(new DescribeNetworkAclsCommand(inSubnet("association.subnet-id")));
  expect(acls.NetworkAcls?.[0]?.Entries?.map(({ RuleNumber, RuleAction, Egress }) => [RuleNumber, RuleAction, Egress])).toEqual([
    [100, "allow", false],
    [32_767, "deny", false],
    [100, "allow", true],
    [32_767, "deny", true],
  ]);
  const services = await ec2.send(new DescribeVpcEndpointsCommand({ Filters: [{ Name: "vpc-id", Values: [planted.vpc] }] }));
  expect(services.VpcEndpoints?.map(({ ServiceName, PrivateDnsEnabled, Groups }) => [ServiceName, PrivateDnsEnabled, Groups?.length])).toEqual([
    ["com.amazonaws.eu-west-1.ssm", true, 1],
    ["com.amazonaws.eu-west-1.ssmmessages", true, 1],
    ["com.amazonaws.eu-west-1.ec2messages", true, 1],
    ["com.amazonaws.eu-west-1.s3", false, 0],
  ]);
});

test("flow logs are found by what they watch, each with where it goes, and are gone when an attacker deletes them", async () => {
  const values = [planted.interfaces[0].id, planted.subnets[0], planted.vpc];
  const ask = async (): Promise<readonly unknown[]> => {
    const { FlowLogs = [] } = await ec2.send(new DescribeFlowLogsCommand({ Filter: [{ Name: "resource-id", Values: values }] }));
    return FlowLogs.map(({ LogDestinationType, LogGroupName, LogDestination, DestinationOptions }) => [
      LogDestinationType,
      LogGroupName ?? LogDestination,
      DestinationOptions?.FileFormat,
    ]);
  };
  expect(await ask()).toEqual([
    ["cloud-watch-logs", "flow/web", undefined],
    ["s3", "arn:aws:s3:::flow-logs/vpc/", "plain-text"],
    ["s3", "arn:aws:s3:::flow-logs/vpc/", "parquet"],
  ]);
  const gone = await ec2.send(new DeleteFlowLogsCommand({ FlowLogIds: [planted.flowLogs.vpc, "fl-0bbbbbbbbbbbbbbbb"] }));
  expect(gone.Unsuccessful?.map((one) => [one.ResourceId, one.Error?.Code])).toEqual([["fl-0bbbbbbbbbbbbbbbb", "InvalidFlowLogId.NotFound"]]);
  expect((await ask()).length).toBe(2);
});

test("a profile that is taken away is on its way out for a while, and only then can another be put in its place", async () => {
  const states = async (): Promise<readonly unknown[]> => {
    const answer = await ec2.send(new DescribeIamInstanceProfileAssociationsCommand({ Filters: [{ Name: "instance-id", Values: [id] }] }));
    return (answer.IamInstanceProfileAssociations ?? []).map(({ State, IamInstanceProfile }) => [State, IamInstanceProfile?.Arn?.split("/").at(-1)]);
  };
  const associate = (): Promise<unknown> => ec2.send(new AssociateIamInstanceProfileCommand({ InstanceId: id, IamInstanceProfile: { Name: "web" } }));
  const AssociationId = planted.association;
  world.network.profileWaits = 2;
  expect(await states()).toEqual([["associated", "web"]]);
  await expect(associate()).rejects.toMatchObject({ name: "IncorrectState" });
  const { IamInstanceProfileAssociation } = await ec2.send(new DisassociateIamInstanceProfileCommand({ AssociationId }));
  expect(IamInstanceProfileAssociation?.State).toBe("disassociating");
  expect(await states()).toEqual([["disassociating", "web"]]);
  await expect(associate()).rejects.toMatchObject({ name: "IncorrectState" });
  expect(await states()).toEqual([]);
  await expect(ec2.send(new DisassociateIamInstanceProfileCommand({ AssociationId }))).rejects.toMatchObject({ name: "InvalidAssociationID.NotFound" });
  await associate();
  expect(await states()).toEqual([["associating", "web"]]);
  expect(await states()).toEqual([["associating", "web"]]);
  expect(await states()).toEqual([["associated", "web"]]);
});

test("a profile is put on an instance that runs or is stopped, by its name or its ARN", async () => {
  const put = (InstanceId: string, IamInstanceProfile: { Name?: string; Arn?: string }): Promise<unknown> =>
    ec2.send(new AssociateIamInstanceProfileCommand({ InstanceId, IamInstanceProfile }));
  await expect(put("i-0bbbbbbbbbbbbbbbb", { Name: "web" })).rejects.toMatchObject({ name: "InvalidInstanceID.NotFound" });
  await expect(put(id, {})).rejects.toMatchObject({ name: "InvalidParameterCombination" });
  world.network.profileAssociations.length = 0;
  const [instance] = world.instances;
  if (instance !== undefined) instance.state = "terminated";
  await expect(put(id, { Name: "web" })).rejects.toMatchObject({ name: "IncorrectInstanceState" });
  if (instance !== undefined) instance.state = "stopped";
  await put(id, { Arn: `arn:aws:iam::${place.account}:instance-profile/web` });
  expect(world.network.profileAssociations.length).toBe(1);
});
