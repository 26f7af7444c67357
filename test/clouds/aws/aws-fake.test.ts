import { EC2Client, DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { GetCommandInvocationCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, expect, test } from "vitest";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { AwsRefusal, type Service } from "./service.ts";

const account = "111122223333";
const key = userKey(account, "collector");
let fake: AwsFake;
afterEach(() => fake.close());

const services: readonly Service[] = [
  {
    name: "ec2",
    protocol: "ec2",
    version: "2016-11-15",
    namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
    operations: {
      DescribeInstances: (call) => ({ xml: { nextToken: JSON.stringify(call.params), reservationSet: { item: [{ ownerId: call.account }] } } }),
    },
  },
  {
    name: "sts",
    protocol: "query",
    version: "2011-06-15",
    namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    operations: { GetCallerIdentity: ({ caller }) => ({ xml: { Arn: caller.arn, UserId: caller.userId, Account: caller.account } }) },
  },
  {
    name: "ssm",
    protocol: "json",
    targetPrefix: "AmazonSSM",
    operations: {
      GetCommandInvocation: () => {
        throw new AwsRefusal("InvocationDoesNotExist", "not yet");
      },
    },
  },
];

const client = { region: "eu-west-1", credentials: key, maxAttempts: 1 };

test("each protocol reads its request, writes its reply and its refusal as the SDK understands them", async () => {
  fake = await openAwsFake({ services, keys: makeKeyRing([key]) });
  const endpoint = fake.url;
  const ec2 = await new EC2Client({ ...client, endpoint }).send(
    new DescribeInstancesCommand({ InstanceIds: ["i-1", "i-2"], Filters: [{ Name: "x", Values: ["a", "b"] }] }),
  );
  expect(JSON.parse(ec2.NextToken ?? "")).toEqual({ InstanceId: ["i-1", "i-2"], Filter: [{ Name: "x", Value: ["a", "b"] }] });
  expect(ec2.Reservations).toEqual([{ OwnerId: account }]);
  expect(ec2.$metadata.requestId).toBe(fake.exchanges[0]?.requestId);
  const me = await new STSClient({ ...client, endpoint }).send(new GetCallerIdentityCommand({}));
  expect(me).toMatchObject({ Account: account, Arn: key.arn });
  const asked = new SSMClient({ ...client, endpoint }).send(new GetCommandInvocationCommand({ CommandId: "1".repeat(36), InstanceId: "i-1" }));
  await expect(asked).rejects.toMatchObject({ name: "InvocationDoesNotExist", message: "not yet" });
  expect(fake.unknown).toEqual([]);
});
