import { describe, expect, test } from "vitest";
import { instanceArn, parseInstance } from "../../../collectors/aws/target.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import { parseTarget } from "../../../src/core/target.ts";

const instance = "i-0abc1234def567890";
const accounts = { "111122223333": { role: null, externalId: null, regions: ["eu-west-1"], kmsKey: null } };

describe("a target names Region, instance and, as an ARN, account and partition", () => {
  const targets = [
    { id: `aws:eu-west-1:${instance}`, is: { region: "eu-west-1", account: null, instance, partition: "aws" } },
    { id: "aws:us-east-1:i-12345678", is: { region: "us-east-1", account: null, instance: "i-12345678", partition: "aws" } },
    { id: `aws:cn-north-1:${instance}`, is: { region: "cn-north-1", account: null, instance, partition: "aws-cn" } },
    { id: `arn:aws:ec2:eu-west-1:111122223333:instance/${instance}`, is: { region: "eu-west-1", account: "111122223333", instance, partition: "aws" } },
    {
      id: `arn:aws-us-gov:ec2:us-gov-west-1:444455556666:instance/${instance}`,
      is: { region: "us-gov-west-1", account: "444455556666", instance, partition: "aws-us-gov" },
    },
  ];
  test.for(targets)("$id", ({ id, is }) => {
    expect(parseTarget(id)).toEqual({ kind: "aws", id });
    expect(parseInstance(id, { ...noAws, accounts })).toEqual(is);
    if (is.account !== null) expect(instanceArn(is, is.account)).toBe(id);
  });
});

describe("what cannot be is refused in words", () => {
  const refused = [
    { id: "aws:eu-west-1:vol-0abc1234", code: "usage", message: /not an EC2 instance/ },
    { id: "arn:aws:ec2:eu-west-1:11112222333:instance/i-12345678", code: "usage", message: /not an EC2 instance/ },
    { id: "arn:aws:ec2:cn-north-1:111122223333:instance/i-12345678", code: "usage", message: /partition aws-cn/ },
    { id: "arn:aws:ec2:us-east-1:111122223333:instance/i-12345678", code: "config", message: /aws\.accounts\."111122223333"\.regions allows eu-west-1/ },
  ];
  test.for(refused)("$id", ({ id, code, message }) => {
    expect(() => parseInstance(id, { ...noAws, accounts })).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
