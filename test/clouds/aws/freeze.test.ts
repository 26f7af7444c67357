import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeScalingActivitiesCommand,
  EnterStandbyCommand,
  ExitStandbyCommand,
  ResumeProcessesCommand,
  SetInstanceProtectionCommand,
  SuspendProcessesCommand,
} from "@aws-sdk/client-auto-scaling";
import {
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { CreateGrantCommand, DescribeKeyCommand, KMSClient, ListGrantsCommand, RetireGrantCommand, RevokeGrantCommand } from "@aws-sdk/client-kms";
import { afterEach, beforeEach, expect, test } from "vitest";
import { autoScalingService, type ScalingGroup } from "./autoscaling.ts";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { elbService } from "./elbv2.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { keyArn, type KmsKey, kmsService, kmsWorld } from "./kms.ts";

const account = "111122223333";
const second = "444455556666";
const region = "eu-west-1";
const key = userKey(account, "collector");
const other = userKey(second, "collector");
const id = "i-0123456789abcdef0";
const born = new Date("2026-01-01T00:00:00.000Z");
const balancer = `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/app/web/0123456789abcdef`;
const targets = `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/web/0123456789abcdef`;
const managed: KmsKey = {
  account,
  region,
  id: "11111111-1111-4111-8111-111111111111",
  aliases: ["alias/aws/ebs"],
  manager: "AWS",
  state: "Enabled",
  created: born,
  shared: [],
};
const mine: KmsKey = { ...managed, id: "22222222-2222-4222-8222-222222222222", aliases: ["alias/evidence"], manager: "CUSTOMER", shared: [second] };
let group: ScalingGroup;
let fake: AwsFake;

beforeEach(async () => {
  group = {
    name: "web",
    account,
    region,
    zone: "eu-west-1a",
    min: 1,
    max: 2,
    desired: 2,
    created: born,
    instances: [{ id, state: "InService", protected: false }],
    suspended: new Set(),
    activities: [],
  };
  const elb = {
    arn: balancer,
    name: "web",
    type: "application",
    account,
    region,
    vpc: "vpc-1",
    created: born,
    logs: { bucket: "elb-logs", prefix: "web" },
    targetGroups: [{ arn: targets, name: "web", targets: [id] }],
  } as const;
  const services = [autoScalingService({ groups: [group] }), elbService({ balancers: [elb] }), kmsService(kmsWorld([managed, mine]))];
  fake = await openAwsFake({ keys: makeKeyRing([key, other]), services });
});
afterEach(async () => {
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});
const config = (credentials = key): { endpoint: string; region: string; credentials: typeof key; maxAttempts: number } => ({
  endpoint: fake.url,
  region,
  credentials,
  maxAttempts: 1,
});

test("standby and back, with the group's minimum and its activities", async () => {
  const scaling = new AutoScalingClient(config());
  const name = { AutoScalingGroupName: "web" };
  const state = async (): Promise<unknown> =>
    (await scaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [id] }))).AutoScalingInstances?.map(
      ({ LifecycleState, AutoScalingGroupName }) => [AutoScalingGroupName, LifecycleState],
    );
  expect(await state()).toEqual([["web", "InService"]]);
  await scaling.send(new EnterStandbyCommand({ ...name, InstanceIds: [id], ShouldDecrementDesiredCapacity: true }));
  expect([await state(), group.desired]).toEqual([[["web", "Standby"]], 1]);
  await expect(scaling.send(new EnterStandbyCommand({ ...name, InstanceIds: [id], ShouldDecrementDesiredCapacity: true }))).rejects.toMatchObject({
    name: "ValidationError",
  });
  await scaling.send(new SetInstanceProtectionCommand({ ...name, InstanceIds: [id], ProtectedFromScaleIn: true }));
  await scaling.send(new SuspendProcessesCommand({ ...name, ScalingProcesses: ["Terminate", "ReplaceUnhealthy"] }));
  const shown = (await scaling.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ["web"] }))).AutoScalingGroups?.[0];
  expect(shown?.SuspendedProcesses?.map(({ ProcessName }) => ProcessName)).toEqual(["Terminate", "ReplaceUnhealthy"]);
  expect(shown?.Instances?.[0]).toMatchObject({ LifecycleState: "Standby", ProtectedFromScaleIn: true });
  await scaling.send(new ResumeProcessesCommand(name));
  await scaling.send(new ExitStandbyCommand({ ...name, InstanceIds: [id] }));
  expect([await state(), group.desired, group.suspended.size]).toEqual([[["web", "InService"]], 2, 0]);
  const activities = await scaling.send(new DescribeScalingActivitiesCommand(name));
  expect(activities.Activities?.map(({ Description }) => Description)).toEqual([
    `Moving EC2 instance out of Standby: ${id}`,
    `Moving EC2 instance to Standby: ${id}`,
  ]);
  group.min = 2;
  await expect(scaling.send(new EnterStandbyCommand({ ...name, InstanceIds: [id], ShouldDecrementDesiredCapacity: true }))).rejects.toThrow("min-size");
});

test("where a load balancer's access logs go, and who stands behind it", async () => {
  const elb = new ElasticLoadBalancingV2Client(config());
  expect(
    (await elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [balancer] }))).LoadBalancers?.map(({ LoadBalancerName }) => LoadBalancerName),
  ).toEqual(["web"]);
  const { Attributes = [] } = await elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: balancer }));
  expect(Object.fromEntries(Attributes.map(({ Key = "", Value }) => [Key, Value]))).toMatchObject({
    "access_logs.s3.enabled": "true",
    "access_logs.s3.bucket": "elb-logs",
    "access_logs.s3.prefix": "web",
  });
  const groups = await elb.send(new DescribeTargetGroupsCommand({ LoadBalancerArn: balancer }));
  const health = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: groups.TargetGroups?.[0]?.TargetGroupArn }));
  expect(health.TargetHealthDescriptions?.map(({ Target }) => Target?.Id)).toEqual([id]);
  await expect(elb.send(new DescribeLoadBalancersCommand({ Names: ["none"] }))).rejects.toMatchObject({ name: "LoadBalancerNotFoundException" });
});

test("an AWS-managed key is told from a customer's, and only the latter can be granted and shared", async () => {
  const kms = new KMSClient(config());
  const evidence = new KMSClient(config(other));
  expect((await kms.send(new DescribeKeyCommand({ KeyId: "alias/aws/ebs" }))).KeyMetadata).toMatchObject({ KeyManager: "AWS", KeyState: "Enabled" });
  expect((await evidence.send(new DescribeKeyCommand({ KeyId: keyArn(mine) }))).KeyMetadata).toMatchObject({ KeyManager: "CUSTOMER", AWSAccountId: account });
  await expect(evidence.send(new DescribeKeyCommand({ KeyId: keyArn(managed) }))).rejects.toMatchObject({ name: "AccessDeniedException" });
  const asked = {
    KeyId: keyArn(mine),
    GranteePrincipal: other.arn,
    Operations: ["Decrypt", "RetireGrant"] as ("Decrypt" | "RetireGrant")[],
    Name: "collection-1",
  };
  const made = await kms.send(new CreateGrantCommand(asked));
  expect((await kms.send(new CreateGrantCommand(asked))).GrantId).toBe(made.GrantId);
  await expect(kms.send(new CreateGrantCommand({ ...asked, KeyId: keyArn(managed) }))).rejects.toMatchObject({ name: "AccessDeniedException" });
  expect((await kms.send(new ListGrantsCommand({ KeyId: keyArn(mine) }))).Grants?.map(({ Name }) => Name)).toEqual(["collection-1"]);
  await evidence.send(new RetireGrantCommand({ GrantToken: made.GrantToken }));
  await expect(kms.send(new RevokeGrantCommand({ KeyId: keyArn(mine), GrantId: made.GrantId }))).rejects.toMatchObject({ name: "NotFoundException" });
  const again = await kms.send(new CreateGrantCommand({ ...asked, Name: "collection-2" }));
  await kms.send(new RevokeGrantCommand({ KeyId: keyArn(mine), GrantId: again.GrantId }));
  mine.state = "Disabled";
  await expect(kms.send(new CreateGrantCommand(asked))).rejects.toMatchObject({ name: "DisabledException" });
  mine.state = "Enabled";
});
