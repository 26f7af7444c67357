import { CreatePolicyCommand, IAMClient } from "@aws-sdk/client-iam";
import { expect, inject, test } from "vitest";
import { callRoles } from "../../collectors/aws/calls/row.ts";
import { callPolicy } from "../../collectors/aws/policies.ts";
import { policing } from "../../src/app/policing.ts";
import { parseConfig } from "../../src/core/config.ts";

const found = inject("servers").moto;
const place = { partition: "aws", account: "111122223333", evidence: "444455556666", logBuckets: ["access-logs-1"] };

test("moto's own check of IAM's grammar takes every policy, and refuses one that is wrong", async ({ skip }) => {
  if (found.kind === "none") return skip(`moto: ${found.why}`);
  const iam = new IAMClient({ endpoint: found.server.url, region: "us-east-1", credentials: { accessKeyId: "x", secretAccessKey: "y" }, maxAttempts: 1 });
  const put = async (document: unknown): Promise<string | undefined> =>
    (await iam.send(new CreatePolicyCommand({ PolicyName: `p-${Date.now()}-${Math.random()}`, PolicyDocument: JSON.stringify(document) }))).Policy?.Arn;
  for (const role of callRoles) expect([role, await put(callPolicy(role, place))]).toEqual([role, expect.stringMatching(/^arn:aws:iam::/)]);
  const config = parseConfig({ vaults: { main: { kind: "s3", bucket: "evidence", prefix: "x/", kmsKey: "alias/k" } } });
  const main = config.vaults["main"];
  if (main === undefined) throw new TypeError("no vault");
  const { policies } = await policing({ config, vaultConfig: () => ({ name: "main", config: main }) }).iam({
    roles: ["vault"],
    account: null,
    vault: null,
    logBuckets: [],
  });
  expect(await put(policies[0]?.document)).toMatch(/^arn:aws:iam::/);
  const wrong = { Version: "2012-10-17", Statement: [{ Sid: "no good", Effect: "Allow", Action: ["ec2"], Resource: ["nothing"] }] };
  await expect(put(wrong)).rejects.toMatchObject({ Code: "MalformedPolicyDocument" });
  iam.destroy();
});
