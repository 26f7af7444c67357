import {
  GetCredentialReportCommand,
  GenerateCredentialReportCommand,
  GetInstanceProfileCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  ListUserPoliciesCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  DeleteRolePolicyCommand,
  DeleteUserPolicyCommand,
  UpdateAccessKeyCommand,
} from "@aws-sdk/client-iam";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { iamService } from "./iam.ts";
import { iamAccount, iamWorld } from "./iam-world.ts";
import { type FakeKey, makeKeyRing, userKey } from "./key-ring.ts";
import { type AssumableRole, stsService } from "./sts.ts";

const source = "111122223333";
const second = "444455556666";
const key = userKey(source, "collector");
const mallory = userKey(source, "mallory");
const roleArn = `arn:aws:iam::${second}:role/evidence`;
const managed = `arn:aws:iam::${source}:policy/web`;
const born = new Date("2026-01-01T00:00:00.000Z");
let now: Date;
let assumable: Map<string, AssumableRole>;
let fake: AwsFake;

beforeEach(async () => {
  now = new Date("2026-11-24T12:00:00.000Z");
  assumable = new Map([[roleArn, { arn: roleArn, trusts: [source], externalId: "case-42", maxSeconds: 7200 }]]);
  const iam = iamWorld();
  const account = iamAccount();
  iam.accounts.set(source, account);
  account.roles.set("web", {
    name: "web",
    created: born,
    trust: { Version: "2012-10-17", Statement: [] },
    attached: [managed],
    inline: new Map([["inline", '{"Version":"2012-10-17","Statement":[]}']]),
  });
  account.profiles.set("web-profile", { role: "web", created: born });
  account.profiles.set("empty", { role: null, created: born });
  account.policies.push({ arn: managed, created: born, defaultVersion: "v2", versions: { v1: { old: true }, v2: { Version: "2012-10-17", Statement: [] } } });
  account.users.set("mallory", { name: "mallory", created: born, inline: new Map(), keys: [{ id: mallory.accessKeyId, created: born, status: "Active" }] });
  const keys = makeKeyRing([key, mallory]);
  fake = await openAwsFake({ keys, services: [stsService({ assumable }, keys), iamService(iam, keys)], clock: () => now });
});
afterEach(async () => {
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});

type Credentials = Pick<FakeKey, "accessKeyId" | "secretAccessKey" | "sessionToken">;
const sts = (credentials: Credentials = key): STSClient => new STSClient({ endpoint: fake.url, region: "eu-west-1", credentials, maxAttempts: 1 });
const iamClient = (credentials: Credentials = key): IAMClient => new IAMClient({ endpoint: fake.url, region: "us-east-1", credentials, maxAttempts: 1 });
const asked = { RoleArn: roleArn, RoleSessionName: "collection-1", ExternalId: "case-42", DurationSeconds: 900, Tags: [{ Key: "case", Value: "C" }] };

test("a role that is assumed gives keys of the other account, with tags, until they expire", async () => {
  expect(await sts().send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: source, Arn: key.arn });
  const { Credentials } = await sts().send(new AssumeRoleCommand(asked));
  const session: Credentials = {
    accessKeyId: Credentials?.AccessKeyId ?? "",
    secretAccessKey: Credentials?.SecretAccessKey ?? "",
    sessionToken: Credentials?.SessionToken ?? "",
  };
  expect(Credentials?.Expiration).toEqual(new Date("2026-11-24T12:15:00.000Z"));
  expect(await sts(session).send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: second,
    Arn: `arn:aws:sts::${second}:assumed-role/evidence/collection-1`,
  });
  expect(fake.keys.find(session.accessKeyId)?.sessionTags).toEqual({ case: "C" });
  now = new Date("2026-11-24T12:15:00.000Z");
  await expect(sts(session).send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({ name: expect.stringMatching(/^ExpiredToken/) });
});

test.for([
  ["a role that nobody may assume", { RoleArn: `arn:aws:iam::${second}:role/none` }, "AccessDenied"],
  ["a wrong external id", { ExternalId: "case-43" }, "AccessDenied"],
  ["a session of less than 15 minutes", { DurationSeconds: 899 }, "ValidationError"],
  ["a session longer than the role's", { DurationSeconds: 7201 }, "ValidationError"],
  ["a session name with a space", { RoleSessionName: "collection 1" }, "ValidationError"],
  [
    "the same tag twice",
    {
      Tags: [
        { Key: "case", Value: "C" },
        { Key: "Case", Value: "C" },
      ],
    },
    "InvalidParameterValue",
  ],
] as const)("%s is refused", async ([, given, name]) => {
  const { Tags, ...rest } = { Tags: asked.Tags, ...given };
  await expect(sts().send(new AssumeRoleCommand({ ...asked, ...rest, Tags: [...Tags] }))).rejects.toMatchObject({ name });
  assumable.clear();
  await expect(sts().send(new AssumeRoleCommand(asked))).rejects.toMatchObject({ name: "AccessDenied" });
});

test("the role behind an instance profile, with its policies; an inline deny comes and goes", async () => {
  const iam = iamClient();
  const profile = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName: "web-profile" }));
  expect(profile.InstanceProfile?.Roles?.map(({ RoleName }) => RoleName)).toEqual(["web"]);
  expect((await iam.send(new GetInstanceProfileCommand({ InstanceProfileName: "empty" }))).InstanceProfile?.Roles).toEqual([]);
  await expect(iam.send(new GetInstanceProfileCommand({ InstanceProfileName: "none" }))).rejects.toMatchObject({ name: "NoSuchEntityException" });
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: "web" }));
  expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")).toBe('{"Version":"2012-10-17","Statement":[]}');
  expect((await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: "web" }))).AttachedPolicies).toEqual([{ PolicyName: "web", PolicyArn: managed }]);
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn: managed }));
  const version = await iam.send(new GetPolicyVersionCommand({ PolicyArn: managed, VersionId: Policy?.DefaultVersionId }));
  expect(version.PolicyVersion?.IsDefaultVersion).toBe(true);
  const deny =
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-24T12:00:00Z"}}}]}';
  await iam.send(new PutRolePolicyCommand({ RoleName: "web", PolicyName: "revoke", PolicyDocument: deny }));
  expect((await iam.send(new ListRolePoliciesCommand({ RoleName: "web" }))).PolicyNames).toEqual(["inline", "revoke"]);
  const first = await iam.send(new ListRolePoliciesCommand({ RoleName: "web", MaxItems: 1 }));
  expect((await iam.send(new ListRolePoliciesCommand({ RoleName: "web", MaxItems: 1, Marker: first.Marker }))).PolicyNames).toEqual(["revoke"]);
  expect(decodeURIComponent((await iam.send(new GetRolePolicyCommand({ RoleName: "web", PolicyName: "revoke" }))).PolicyDocument ?? "")).toBe(deny);
  await iam.send(new DeleteRolePolicyCommand({ RoleName: "web", PolicyName: "revoke" }));
  await expect(iam.send(new DeleteRolePolicyCommand({ RoleName: "web", PolicyName: "revoke" }))).rejects.toMatchObject({ name: "NoSuchEntityException" });
  await expect(iam.send(new PutRolePolicyCommand({ RoleName: "web", PolicyName: "x", PolicyDocument: "no" }))).rejects.toMatchObject({
    name: "MalformedPolicyDocumentException",
  });
});

test("a key that is switched off is refused, and works again when it is switched on", async () => {
  const iam = iamClient();
  expect((await iam.send(new GetUserCommand({ UserName: "mallory" }))).User?.UserName).toBe("mallory");
  const change = { UserName: "mallory", AccessKeyId: mallory.accessKeyId };
  await iam.send(new UpdateAccessKeyCommand({ ...change, Status: "Inactive" }));
  expect((await iam.send(new ListAccessKeysCommand({ UserName: "mallory" }))).AccessKeyMetadata?.map(({ Status }) => Status)).toEqual(["Inactive"]);
  await expect(sts(mallory).send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({ name: "InvalidClientTokenId" });
  await iam.send(new UpdateAccessKeyCommand({ ...change, Status: "Active" }));
  expect((await sts(mallory).send(new GetCallerIdentityCommand({}))).Arn).toBe(mallory.arn);
  const policy = { UserName: "mallory", PolicyName: "deny", PolicyDocument: '{"Version":"2012-10-17","Statement":[]}' };
  await iam.send(new PutUserPolicyCommand(policy));
  expect((await iam.send(new ListUserPoliciesCommand({ UserName: "mallory" }))).PolicyNames).toEqual(["deny"]);
  await iam.send(new DeleteUserPolicyCommand({ UserName: "mallory", PolicyName: "deny" }));
});

test("a credential report is not there, then not ready, then a table", async () => {
  const iam = iamClient();
  await expect(iam.send(new GetCredentialReportCommand({}))).rejects.toMatchObject({ name: "CredentialReportNotPresentException" });
  expect((await iam.send(new GenerateCredentialReportCommand({}))).State).toBe("STARTED");
  for (let i = 0; i < 2; i += 1)
    await expect(iam.send(new GetCredentialReportCommand({}))).rejects.toMatchObject({ name: "CredentialReportNotReadyException" });
  const report = await iam.send(new GetCredentialReportCommand({}));
  expect(Buffer.from(report.Content ?? []).toString()).toMatch(/^user,arn,.*\nmallory,arn:aws:iam::111122223333:user\/mallory,/);
});
