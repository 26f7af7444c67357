import { AutoScalingClient, DescribeAutoScalingInstancesCommand } from "@aws-sdk/client-auto-scaling";
import { CloudTrailClient, DescribeTrailsCommand, ListPublicKeysCommand, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { EBSClient, GetSnapshotBlockCommand, ListSnapshotBlocksCommand } from "@aws-sdk/client-ebs";
import {
  CopySnapshotCommand,
  CreateSnapshotsCommand,
  DescribeFlowLogsCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  EC2Client,
  ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import {
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetHealthCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetInstanceProfileCommand, IAMClient } from "@aws-sdk/client-iam";
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { DescribeInstanceInformationCommand, GetInventoryCommand, SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { calls } from "../../../collectors/aws/calls/calls.ts";
import { startS3Fake, type S3Fake } from "../s3-fake.ts";
import { expectAsModelled } from "./as-modelled.ts";
import { openAwsWorld, type OpenAwsWorld } from "./aws-world.ts";
import { worldNames } from "./aws-world-names.ts";
import { keyArn } from "./kms.ts";

let now: Date;
let s3: S3Fake;
let aws: OpenAwsWorld;

beforeEach(async () => {
  now = new Date("2026-05-01T12:34:56.000Z");
  s3 = await startS3Fake({ credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "a secret" } });
  aws = await openAwsWorld({ s3: s3.clientConfig, clock: () => now, tampered: true });
});
afterEach(async () => {
  await aws.fake.close();
  await s3.stop();
  expect([aws.fake.unknown, s3.violations]).toEqual([[], []]);
  await expectAsModelled(aws.fake);
});

type Config = { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }; maxAttempts: 1 };
const config = (credentials: Config["credentials"] = aws.world.users.collector): Config => ({
  endpoint: aws.fake.url,
  region: worldNames.region,
  credentials,
  maxAttempts: 1,
});

test("the machine's ids are the same in EC2, KMS, IAM, Auto Scaling, SSM and before the balancer", async () => {
  const ec2 = new EC2Client(config());
  const [instance] = (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [worldNames.instance] }))).Reservations?.[0]?.Instances ?? [];
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [worldNames.instance] }] }));
  expect(Volumes.map(({ VolumeId }) => VolumeId)).toEqual(instance?.BlockDeviceMappings?.map(({ Ebs }) => Ebs?.VolumeId));
  const kms = new KMSClient(config());
  const managers = Volumes.map(async ({ KmsKeyId = "" }) => (await kms.send(new DescribeKeyCommand({ KeyId: KmsKeyId }))).KeyMetadata?.KeyManager);
  expect(await Promise.all(managers)).toEqual(["AWS", "CUSTOMER"]);
  const { IamInstanceProfileAssociations } = await ec2.send(new DescribeIamInstanceProfileAssociationsCommand({}));
  const arn = IamInstanceProfileAssociations?.[0]?.IamInstanceProfile?.Arn ?? "";
  expect(arn).toBe(instance?.IamInstanceProfile?.Arn);
  const profile = await new IAMClient(config()).send(new GetInstanceProfileCommand({ InstanceProfileName: arn.split("/").at(-1) }));
  expect(profile.InstanceProfile?.Arn).toBe(arn);
  expect(profile.InstanceProfile?.InstanceProfileId).toBe(instance?.IamInstanceProfile?.Id);
  expect(profile.InstanceProfile?.Roles?.[0]?.RoleName).toBe(worldNames.web);
  const scaled = await new AutoScalingClient(config()).send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [worldNames.instance] }));
  expect(scaled.AutoScalingInstances?.[0]?.AutoScalingGroupName).toBe(worldNames.scalingGroup);
  const managed = await new SSMClient(config()).send(new DescribeInstanceInformationCommand({}));
  expect(managed.InstanceInformationList?.map(({ InstanceId }) => InstanceId)).toEqual([worldNames.instance]);
  const elb = new ElasticLoadBalancingV2Client(config());
  const [balancer] = (await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers ?? [];
  expect(balancer?.VpcId).toBe(instance?.VpcId);
  const groups = await elb.send(new DescribeTargetGroupsCommand({ LoadBalancerArn: balancer?.LoadBalancerArn }));
  const health = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: groups.TargetGroups?.[0]?.TargetGroupArn }));
  expect(health.TargetHealthDescriptions?.[0]?.Target?.Id).toBe(worldNames.instance);
});

test("every log setting names a place where there are logs, through the same port", async () => {
  const client = new S3Client({ ...config(), region: "us-east-1", forcePathStyle: true });
  const count = async (Bucket: string, Prefix: string): Promise<number> => (await client.send(new ListObjectsV2Command({ Bucket, Prefix }))).KeyCount ?? 0;
  const { FlowLogs = [] } = await new EC2Client(config()).send(new DescribeFlowLogsCommand({}));
  for (const { LogDestinationType, LogDestination = "", LogGroupName, FlowLogId } of FlowLogs) {
    if (LogDestinationType === "s3") {
      const [, bucket = "", prefix = ""] = /^arn:aws:s3:::([^/]+)\/(.*?)\/?$/.exec(LogDestination) ?? [];
      expect(await count(bucket, `${prefix}/AWSLogs/`), FlowLogId).toBe(36);
    } else {
      const { events } = await new CloudWatchLogsClient(config()).send(new FilterLogEventsCommand({ logGroupName: LogGroupName }));
      expect(events?.length, FlowLogId).toBe(360);
    }
  }
  const cloudtrail = new CloudTrailClient(config());
  const [trail] = (await cloudtrail.send(new DescribeTrailsCommand({}))).trailList ?? [];
  expect(await count(trail?.S3BucketName ?? "", `AWSLogs/${worldNames.account}/CloudTrail-Digest/`)).toBe(3);
  const keys = await cloudtrail.send(new ListPublicKeysCommand({ StartTime: aws.world.from, EndTime: now }));
  expect(keys.PublicKeyList?.map(({ Fingerprint }) => Fingerprint)).toEqual([aws.world.trail.publicKey.fingerprint]);
  const stopped = await cloudtrail.send(new LookupEventsCommand({ LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "StopLogging" }] }));
  expect(stopped.Events?.length).toBe(1);
  const { Attributes = [] } = await new ElasticLoadBalancingV2Client(config()).send(
    new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: worldNames.balancer }),
  );
  const said = Object.fromEntries(Attributes.map(({ Key = "", Value = "" }) => [Key, Value]));
  expect(await count(said["access_logs.s3.bucket"] ?? "", `${said["access_logs.s3.prefix"]}/AWSLogs/`)).toBe(3);
});

test("a root volume goes the whole way: snapshot, copy under a key that can be shared, share, copy into the evidence account, blocks", async () => {
  const ec2 = new EC2Client(config());
  const later = (): void => void now.setTime(now.getTime() + 60_000);
  const { Snapshots } = await ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: worldNames.instance } }));
  later();
  const { keys } = aws.world;
  const source = { SourceRegion: worldNames.region, Encrypted: true };
  const own = await ec2.send(new CopySnapshotCommand({ ...source, SourceSnapshotId: Snapshots?.[0]?.SnapshotId, KmsKeyId: keyArn(keys.copies) }));
  later();
  await ec2.send(new ModifySnapshotAttributeCommand({ SnapshotId: own.SnapshotId, OperationType: "add", UserIds: [worldNames.evidence] }));
  const { Credentials: c } = await new STSClient(config()).send(
    new AssumeRoleCommand({ RoleArn: worldNames.evidenceRole, RoleSessionName: "collection", ExternalId: worldNames.externalId }),
  );
  const there = config({ accessKeyId: c?.AccessKeyId ?? "", secretAccessKey: c?.SecretAccessKey ?? "", sessionToken: c?.SessionToken ?? "" });
  const copy = await new EC2Client(there).send(new CopySnapshotCommand({ ...source, SourceSnapshotId: own.SnapshotId, KmsKeyId: keyArn(keys.evidence) }));
  later();
  const ebs = new EBSClient(there);
  const { Blocks = [] } = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: copy.SnapshotId }));
  expect(Blocks.map(({ BlockIndex }) => BlockIndex)).toEqual(aws.world.root.content.written);
  const { BlockIndex, BlockToken } = Blocks.at(-1) ?? {};
  const block = await ebs.send(new GetSnapshotBlockCommand({ SnapshotId: copy.SnapshotId, BlockIndex, BlockToken }));
  expect(Buffer.from((await block.BlockData?.transformToByteArray()) ?? []).equals(aws.world.root.content.block(2047) ?? Buffer.alloc(0))).toBe(true);
});

test("the agent reported packages, and of a type that it never reported there is nothing", async () => {
  const ssm = new SSMClient(config());
  const Filters = [{ Key: "AWS:InstanceInformation.InstanceId", Values: [worldNames.instance] }];
  const reported = async (TypeName?: string): Promise<unknown> => {
    const more = TypeName === undefined ? {} : { ResultAttributes: [{ TypeName }] };
    const { Entities } = await ssm.send(new GetInventoryCommand({ Filters, ...more }));
    return Object.values(Entities?.[0]?.Data ?? {}).map(({ Content }) => Content?.[0]?.["Name"] ?? Content?.[0]?.["InstanceId"]);
  };
  expect([await reported("AWS:Application"), await reported(), await reported("AWS:Service")]).toEqual([["nginx"], [worldNames.instance], []]);
});

test("every call that the collector may make is one that the world answers, S3's apart", () => {
  const known = new Set(aws.world.services.flatMap(({ name, operations }) => Object.keys(operations).map((operation) => `${name}:${operation}`)));
  expect(Object.keys(calls).filter((name) => !name.startsWith("s3:") && !known.has(name))).toEqual([]);
});
