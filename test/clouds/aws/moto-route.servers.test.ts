import { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { DescribeInstancesCommand, EC2Client, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateLogGroupCommand, CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateRoleCommand, GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { DescribeInstanceInformationCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, inject, test } from "vitest";
import { openAwsFake } from "./aws-fake.ts";
import { cloudTrailService } from "./cloudtrail.ts";
import { cloudTrailWorld, trailEvent } from "./cloudtrail-world.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { answering } from "./machine.ts";
import { openMotoRoute } from "./moto-route.ts";
import { ssmService } from "./ssm.ts";
import { managedInstance, ssmWorld } from "./ssm-world.ts";

const found = inject("servers").moto;

test("behind one port moto answers for instances, roles and groups, the stand-in for commands and events", async ({ skip }) => {
  if (found.kind === "none") return skip(`moto: ${found.why}`);
  const account = "123456789012"; // moto's own
  const region = "eu-west-1";
  const key = userKey(account, "collector");
  const clock = (): Date => new Date();
  const trail = cloudTrailWorld();
  trail.events.push(trailEvent({ account, region, name: "StopLogging", source: "cloudtrail.amazonaws.com", time: new Date(Date.now() - 60_000) }));
  const ssm = ssmWorld(clock);
  const fake = await openAwsFake({ keys: makeKeyRing([key]), services: [cloudTrailService(trail), ssmService(ssm)], clock });
  const route = await openMotoRoute(found.server.url, fake.url);
  const config = { endpoint: route.url, region, credentials: key, maxAttempts: 1 };
  try {
    expect((await new STSClient(config).send(new GetCallerIdentityCommand({}))).Account).toBe(account);
    const ec2 = new EC2Client(config);
    const run = await ec2.send(new RunInstancesCommand({ ImageId: "ami-12345678", MinCount: 1, MaxCount: 1, InstanceType: "t3.micro" }));
    const instanceId = run.Instances?.[0]?.InstanceId ?? "";
    expect((await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }))).Reservations).toHaveLength(1);
    ssm.instances.push(managedInstance({ instanceId, account, region, machine: answering(() => ({ code: 0, stdout: "" })) }));
    const agents = await new SSMClient(config).send(new DescribeInstanceInformationCommand({}));
    expect(agents.InstanceInformationList?.map(({ InstanceId }) => InstanceId)).toEqual([instanceId]);
    const iam = new IAMClient(config);
    const RoleName = `web-${Date.now()}`;
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [] }) }));
    expect((await iam.send(new GetRoleCommand({ RoleName }))).Role?.RoleName).toBe(RoleName);
    const logs = new CloudWatchLogsClient(config);
    const logGroupName = `flow-${Date.now()}`;
    await logs.send(new CreateLogGroupCommand({ logGroupName }));
    expect((await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: logGroupName }))).logGroups).toHaveLength(1);
    const events = await new CloudTrailClient(config).send(new LookupEventsCommand({}));
    expect(events.Events?.map(({ EventName }) => EventName)).toEqual(["StopLogging"]);
    expect(route.went.filter(({ to }) => to === "fake").map(({ call }) => call)).toEqual(["ssm:DescribeInstanceInformation", "cloudtrail:LookupEvents"]);
    expect(fake.unknown).toEqual([]);
  } finally {
    await route.close();
    await fake.close();
  }
});
