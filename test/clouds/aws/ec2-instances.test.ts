import {
  DeleteVolumeCommand,
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeInstanceStatusCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  EC2Client,
  GetConsoleOutputCommand,
  GetConsoleScreenshotCommand,
  GetLaunchTemplateDataCommand,
  ModifyInstanceAttributeCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { attachVolume, newImage, newInstance, newVolume } from "./ec2-made.ts";
import { shutDownFromInside } from "./ec2-power.ts";
import { type Ec2Instance, type Ec2World, ec2World } from "./ec2-world.ts";
import { ec2Service } from "./ec2.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";

const account = "111122223333";
const region = "eu-west-1";
const key = userKey(account, "collector");
const stranger = userKey("444455556666", "collector");
const id = "i-0123456789abcdef0";
const root = "vol-0aaaaaaaaaaaaaaaa";
const data = "vol-0bbbbbbbbbbbbbbbb";
const place = { account, region };
let world: Ec2World;
let instance: Ec2Instance;
let fake: AwsFake;
let ec2: EC2Client;

const client = (credentials: typeof key): EC2Client => new EC2Client({ endpoint: fake.url, region, credentials, maxAttempts: 1 });

beforeEach(async () => {
  world = ec2World();
  instance = newInstance({
    ...place,
    id,
    vpc: "vpc-0123456789abcdef0",
    subnet: "subnet-0123456789abcdef0",
    tags: new Map([["Name", "web"]]),
    userData: Buffer.from("#!/bin/sh\necho hello\n"),
    console: { bytes: Buffer.from("x".repeat(70_000)), at: new Date("2026-02-01T00:00:00.000Z") },
    screenshot: Buffer.from("ffd8ffe000104a464946", "hex"),
  });
  const volumes = [newVolume({ ...place, id: root }), newVolume({ ...place, id: data, tags: new Map([["use", "data"]]) })];
  for (const [i, volume] of volumes.entries()) attachVolume(instance, volume, i === 0 ? "/dev/xvda" : "/dev/sdf", true);
  world.instances.push(instance);
  world.volumes.push(...volumes);
  world.images.push(newImage({ id: instance.imageId, region, snapshot: "snap-0123456789abcdef0" }));
  world.network.interfaces.push({
    ...place,
    id: "eni-0123456789abcdef0",
    subnet: instance.subnet,
    vpc: instance.vpc,
    description: "",
    mac: "02:00:00:00:00:01",
    privateAddresses: ["10.0.0.10"],
    ipv6Addresses: [],
    publicAddress: "203.0.113.9",
    groups: [],
    attachment: { id: "eni-attach-0123456789abcdef0", instance: id, deviceIndex: 0, at: instance.launched, deleteOnTermination: true },
    sourceDestCheck: true,
    managed: null,
    tracking: null,
    tags: new Map(),
  });
  fake = await openAwsFake({ keys: makeKeyRing([key, stranger]), services: [ec2Service(world)] });
  ec2 = client(key);
});
afterEach(async () => {
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});

test("an instance is shown with its volumes, interfaces and tags, and to its own account only", async () => {
  const [shown] = (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations?.[0]?.Instances ?? [];
  expect(shown).toMatchObject({ InstanceId: id, State: { Name: "running", Code: 16 }, RootDeviceName: "/dev/xvda", PublicIpAddress: "203.0.113.9" });
  expect(shown?.BlockDeviceMappings?.map(({ Ebs }) => Ebs?.VolumeId)).toEqual([root, data]);
  expect(shown?.NetworkInterfaces?.map(({ NetworkInterfaceId }) => NetworkInterfaceId)).toEqual(["eni-0123456789abcdef0"]);
  expect(shown?.Tags).toEqual([{ Key: "Name", Value: "web" }]);
  await expect(client(stranger).send(new DescribeInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject({ name: "InvalidInstanceID.NotFound" });
  await expect(ec2.send(new DescribeInstancesCommand({ InstanceIds: ["web"] }))).rejects.toMatchObject({ name: "InvalidInstanceID.Malformed" });
  const other = newInstance({ ...place, id: "i-0fedcba9876543210", vpc: "vpc-0123456789abcdef0", subnet: "subnet-0123456789abcdef0" });
  world.instances.push(other);
  const found = async (Name: string, ...Values: string[]): Promise<unknown> =>
    (await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name, Values }] }))).Reservations?.map(({ Instances }) => Instances?.[0]?.InstanceId);
  expect([await found("tag:Name", "w*"), await found("instance-state-name", "stopped"), await found("subnet-id", instance.subnet)]).toEqual([
    [id],
    [],
    [id, other.id],
  ]);
});

test("pages come short and empty with a token, and a token is good for its own request only", async () => {
  for (let i = 0; i < 6; i += 1) world.instances.push(newInstance({ ...place, id: `i-0000000000000000${i}`, vpc: "vpc-1", subnet: "subnet-1" }));
  world.pageSize = 2;
  world.emptyPages = 1;
  const sizes: number[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(new DescribeInstancesCommand({ MaxResults: 5, ...(NextToken === undefined ? {} : { NextToken }) }));
    sizes.push(page.Reservations?.length ?? 0);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(sizes).toEqual([0, 2, 0, 2, 0, 2, 0, 1]);
  const first = await ec2.send(new DescribeInstancesCommand({ MaxResults: 5 }));
  await expect(ec2.send(new DescribeInstancesCommand({ MaxResults: 6, NextToken: first.NextToken }))).rejects.toMatchObject({ name: "InvalidParameterValue" });
  await expect(ec2.send(new DescribeInstancesCommand({ MaxResults: 4 }))).rejects.toMatchObject({ name: "InvalidParameterValue" });
  await expect(ec2.send(new DescribeInstancesCommand({ MaxResults: 5, InstanceIds: [id] }))).rejects.toMatchObject({ name: "InvalidParameterCombination" });
});

test("status, console, screenshot, image, tags and launch data are those of the instance", async () => {
  instance.events.push({ code: "instance-retirement", description: "going", notBefore: new Date("2026-03-01T00:00:00.000Z") });
  const [status] = (await ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [id] }))).InstanceStatuses ?? [];
  expect(status).toMatchObject({ InstanceStatus: { Status: "ok" }, Events: [{ Code: "instance-retirement" }] });
  const output = await ec2.send(new GetConsoleOutputCommand({ InstanceId: id, Latest: true }));
  expect(Buffer.from(output.Output ?? "", "base64").length).toBe(65_536);
  world.instances.push({ ...instance, id: "i-0fedcba9876543210", nitro: false, console: null });
  const old = { InstanceId: "i-0fedcba9876543210" };
  await expect(ec2.send(new GetConsoleOutputCommand({ ...old, Latest: true }))).rejects.toMatchObject({ name: "UnsupportedOperation" });
  expect((await ec2.send(new GetConsoleOutputCommand(old))).Output).toBe("");
  world.instances.pop();
  const picture = await ec2.send(new GetConsoleScreenshotCommand({ InstanceId: id }));
  expect(
    Buffer.from(picture.ImageData ?? "", "base64")
      .subarray(0, 2)
      .toString("hex"),
  ).toBe("ffd8");
  const { Images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [instance.imageId] }));
  expect(Images?.[0]).toMatchObject({ ImageId: instance.imageId, RootDeviceName: "/dev/xvda" });
  const { Tags } = await ec2.send(new DescribeTagsCommand({ Filters: [{ Name: "resource-id", Values: [id, data] }] }));
  expect(Tags?.map(({ ResourceType, Key, Value }) => `${ResourceType} ${Key}=${Value}`)).toEqual(["instance Name=web", "volume use=data"]);
  const { LaunchTemplateData } = await ec2.send(new GetLaunchTemplateDataCommand({ InstanceId: id }));
  expect(LaunchTemplateData).toMatchObject({ ImageId: instance.imageId, NetworkInterfaces: [{ SubnetId: instance.subnet }] });
  expect(Buffer.from(LaunchTemplateData?.UserData ?? "", "base64").toString()).toContain("echo hello");
  await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  expect((await ec2.send(new DescribeInstanceStatusCommand({}))).InstanceStatuses).toEqual([]);
  expect((await ec2.send(new DescribeInstanceStatusCommand({ IncludeAllInstances: true }))).InstanceStatuses?.length).toBe(1);
  await expect(ec2.send(new GetConsoleScreenshotCommand({ InstanceId: id }))).rejects.toMatchObject({ name: "IncorrectInstanceState" });
});

test("attributes are changed one a call, and a dry run changes none", async () => {
  const change = (input: Partial<ConstructorParameters<typeof ModifyInstanceAttributeCommand>[0]>): Promise<unknown> =>
    ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, ...input }));
  const protect = { DisableApiTermination: { Value: true } };
  await expect(change({ ...protect, DryRun: true })).rejects.toMatchObject({ name: "DryRunOperation", $metadata: { httpStatusCode: 412 } });
  await expect(change({ DryRun: true })).rejects.toMatchObject({ name: "MissingParameter" });
  world.denied.add(`${account}:ModifyInstanceAttribute`);
  await expect(change({ ...protect, DryRun: true })).rejects.toMatchObject({ name: "UnauthorizedOperation", $metadata: { httpStatusCode: 403 } });
  world.denied.clear();
  expect(instance.disableApiTermination).toBe(false);
  await expect(change({ ...protect, DisableApiStop: { Value: true } })).rejects.toMatchObject({ name: "InvalidParameterCombination" });
  await change(protect);
  await change({ DisableApiStop: { Value: true } });
  await change({ InstanceInitiatedShutdownBehavior: { Value: "terminate" } });
  await change({ BlockDeviceMappings: [{ DeviceName: "/dev/sdf", Ebs: { DeleteOnTermination: false } }] });
  await expect(change({ BlockDeviceMappings: [{ DeviceName: "/dev/sdz" }] })).rejects.toMatchObject({ name: "InvalidInstanceAttributeValue" });
  await expect(change({ UserData: { Value: Buffer.from("x") } })).rejects.toMatchObject({ name: "IncorrectInstanceState" });
  const read = (Attribute: "userData" | "disableApiTermination" | "disableApiStop" | "instanceInitiatedShutdownBehavior" | "blockDeviceMapping") =>
    ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute }));
  expect((await read("disableApiTermination")).DisableApiTermination?.Value).toBe(true);
  expect((await read("disableApiStop")).DisableApiStop?.Value).toBe(true);
  expect((await read("instanceInitiatedShutdownBehavior")).InstanceInitiatedShutdownBehavior?.Value).toBe("terminate");
  expect((await read("blockDeviceMapping")).BlockDeviceMappings?.map(({ Ebs }) => Ebs?.DeleteOnTermination)).toEqual([true, false]);
  expect(Buffer.from((await read("userData")).UserData?.Value ?? "", "base64").toString()).toBe("#!/bin/sh\necho hello\n");
  instance.userData = null;
  expect((await read("userData")).UserData?.Value).toBeUndefined();
});

test("protections hold against the API and not against the guest; DeleteOnTermination says which volumes go", async () => {
  instance.disableApiTermination = true;
  await expect(ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject({ name: "OperationNotPermitted" });
  instance.disableApiTermination = false;
  instance.disableApiStop = true;
  await expect(ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject({ name: "OperationNotPermitted" });
  await expect(ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject({ name: "OperationNotPermitted" });
  await expect(ec2.send(new DeleteVolumeCommand({ VolumeId: data }))).rejects.toMatchObject({ name: "VolumeInUse" });
  shutDownFromInside(world, instance);
  expect(instance.state).toBe("stopped");
  instance.disableApiTermination = true;
  instance.shutdownBehavior = "terminate";
  const mapping = instance.mappings.find(({ volume }) => volume === data);
  if (mapping !== undefined) mapping.deleteOnTermination = false;
  shutDownFromInside(world, instance);
  expect([instance.state, world.network.interfaces.length]).toEqual(["terminated", 0]);
  const { Volumes } = await ec2.send(new DescribeVolumesCommand({}));
  expect(Volumes?.map(({ VolumeId, State }) => [VolumeId, State])).toEqual([[data, "available"]]);
  await ec2.send(new DeleteVolumeCommand({ VolumeId: data }));
  await expect(ec2.send(new DescribeVolumesCommand({ VolumeIds: [data] }))).rejects.toMatchObject({ name: "InvalidVolume.NotFound" });
});

test("volumes are found by the instance that they are attached to", async () => {
  world.volumes.push(newVolume({ ...place, id: "vol-0cccccccccccccccc" }));
  const { Volumes } = await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [id] }] }));
  expect(Volumes?.map(({ VolumeId, Attachments, Encrypted }) => [VolumeId, Attachments?.[0]?.Device, Encrypted])).toEqual([
    [root, "/dev/xvda", false],
    [data, "/dev/sdf", false],
  ]);
});
