import { describe, expect, test } from "vitest";
import { type CallName, calls, plannedCall, rowOf } from "../../../collectors/aws/calls/calls.ts";
import { actCalls } from "../../../collectors/aws/calls/act.ts";
import { containCalls } from "../../../collectors/aws/calls/contain.ts";
import { logCalls } from "../../../collectors/aws/calls/logs.ts";
import { lookCalls } from "../../../collectors/aws/calls/look.ts";
import { callRoles } from "../../../collectors/aws/calls/row.ts";
import { callPolicy, type Place, type PolicyDocument, policyOf } from "../../../collectors/aws/policies.ts";
import { loadSdk, serviceOf } from "../../../collectors/aws/client/sdk.ts";

const place: Place = { partition: "aws", account: "111122223333", evidence: "444455556666", logBuckets: ["access-logs-1"] };
const documents: readonly { readonly role: string; readonly document: PolicyDocument }[] = callRoles.map((role) => ({
  role,
  document: callPolicy(role, place),
}));

function allows(document: PolicyDocument, action: string): PolicyDocument["Statement"] {
  return document.Statement.filter((statement) => statement.Action.includes(action));
}

/** IAM actions that are no operation of their own (service authorization reference). */
const onlyActions = new Set([
  "iam:PassRole",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
  "s3:GetBucketObjectLockConfiguration",
  "s3:GetLifecycleConfiguration",
  "s3:GetObjectVersion",
  "s3:ListBucket",
  "s3:ListBucketVersions",
]);

test("a call stands in the table once", () => {
  const parts = [lookCalls, logCalls, actCalls, containCalls];
  expect(Object.keys(calls).length).toBe(parts.reduce((sum, part) => sum + Object.keys(part).length, 0));
});

test("every row is an operation of its SDK, and every right is an IAM action", async () => {
  for (const name of Object.keys(calls) as CallName[]) {
    const { service, operation } = serviceOf(name);
    expect([name, (await loadSdk(service)).command(operation, {}).constructor.name]).toEqual([name, `${operation}Command`]);
  }
  for (const { document } of documents)
    for (const action of document.Statement.flatMap((statement) => statement.Action)) {
      if (onlyActions.has(action)) continue;
      const [service, operation = ""] = action.split(":") as [Parameters<typeof loadSdk>[0], string];
      expect([action, (await loadSdk(service)).command(operation, {}).constructor.name]).toEqual([action, `${operation}Command`]);
    }
});

describe.for(documents)("the policy of $role", ({ document }) => {
  test("is of IAM's grammar, and small enough for a managed policy", () => {
    expect(document.Version).toBe("2012-10-17");
    expect(new Set(document.Statement.map(({ Sid }) => Sid)).size).toBe(document.Statement.length);
    for (const { Sid, Effect, Action, Resource, Condition, ...rest } of document.Statement) {
      expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
      expect(Effect).toBe("Allow");
      expect(Action).toEqual([...new Set(Action)].toSorted());
      for (const action of Action) expect(action).toMatch(/^[a-z0-9]+:[A-Z][A-Za-z0-9]+$/);
      expect(Resource.length).toBeGreaterThan(0);
      for (const resource of Resource) expect(resource).toMatch(/^(\*|arn:aws:[a-z0-9]+:\*?:(\d{12}|\*)?:[^{}]+)$/);
      expect(JSON.stringify(Condition ?? {})).not.toMatch(/[{]partition|[{]account|[{]evidence|[{]logs/);
      expect(rest).toEqual({});
    }
    // IAM counts without white space; a managed policy holds 6,144 characters.
    expect(JSON.stringify(document).length).toBeLessThan(6144);
  });
  test("never allows to destroy: nothing is deleted, unlocked or terminated but our own security groups and revocations", () => {
    const actions = document.Statement.flatMap((statement) => statement.Action);
    for (const never of ["ec2:DeleteSnapshot", "ec2:UnlockSnapshot", "ec2:TerminateInstances", "s3:DeleteObject", "s3:PutObject"])
      expect(actions).not.toContain(never);
    expect(
      actions.filter((action) => /\*|:(Delete|Terminate|Unlock)/.test(action) && !/^ec2:DeleteSecurityGroup$|^iam:DeleteRolePolicy$/.test(action)),
    ).toEqual([]);
  });
});

test("a snapshot can be shared with the evidence account only, never with all; without an evidence account not at all", () => {
  const sharing = allows(callPolicy("collector", place), "ec2:ModifySnapshotAttribute");
  expect(sharing.map((statement) => statement.Condition)).toEqual([
    { StringEquals: { "ec2:Add/userId": "444455556666" } },
    { StringEquals: { "ec2:Remove/userId": "444455556666" } },
  ]);
  expect(allows(callPolicy("collector", { ...place, evidence: null }), "ec2:ModifySnapshotAttribute")).toEqual([]);
});

test("log objects are read under AWSLogs/ and in the buckets that are named, and nowhere else", () => {
  const readable = (buckets: readonly string[]): readonly string[] =>
    allows(callPolicy("collector", { ...place, logBuckets: buckets }), "s3:GetObject").flatMap((statement) => statement.Resource);
  expect(readable([])).toEqual(["arn:aws:s3:::*AWSLogs/*"]);
  expect(readable(["access-logs-1", "b2"])).toEqual(["arn:aws:s3:::*AWSLogs/*", "arn:aws:s3:::access-logs-1/*", "arn:aws:s3:::b2/*"]);
});

test("what containment deletes or opens carries our tag", () => {
  for (const action of ["ec2:DeleteSecurityGroup", "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress", "ec2:RevokeSecurityGroupEgress"])
    for (const statement of allows(callPolicy("contain", place), action))
      expect([action, statement.Condition]).toEqual([action, { Null: { "aws:ResourceTag/holdfast:collection": "false" } }]);
});

test("the same grants in another order give the same document", () => {
  const grants = [
    { permission: "s3:GetObject", resources: ["arn:{partition}:s3:::b/*", "arn:{partition}:s3:::a/*"] },
    { permission: "s3:PutObject", resources: ["arn:{partition}:s3:::a/*", "arn:{partition}:s3:::b/*"] },
    { permission: "kms:Decrypt", condition: { Bool: { "aws:SecureTransport": "true" } } },
    { permission: "kms:Decrypt" },
  ];
  expect(policyOf(grants.toReversed(), place)).toEqual(policyOf(grants, place));
  expect(policyOf(grants, place).Statement.map(({ Sid }) => Sid)).toEqual(["KmsDecrypt", "KmsDecrypt2", "S3GetObject"]);
});

test("a plan shows a call with all the rights that it needs", () => {
  expect(plannedCall("sts:GetCallerIdentity")).toEqual({ call: "sts:GetCallerIdentity", needs: "no permission", changes: false });
  expect(plannedCall("s3:HeadObject")).toEqual({ call: "s3:HeadObject", needs: "s3:GetObject", changes: false });
  expect(plannedCall("ec2:CreateSnapshots")).toEqual({ call: "ec2:CreateSnapshots", needs: "ec2:CreateSnapshots, ec2:CreateTags", changes: true });
  expect(rowOf("ec2:CreateSnapshots").repeatable).toBeUndefined();
});
