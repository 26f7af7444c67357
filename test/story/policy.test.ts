import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { holdfast, holdfastJson } from "./holdfast.ts";

const home = mkdtempSync(join(tmpdir(), "holdfast-policy-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const config = join(home, "with-aws.yaml");
writeFileSync(
  config,
  `vaults: {main: {kind: s3, bucket: evidence, prefix: holdfast/}}
defaultVault: main
aws:
  accounts: {"111122223333": {role: "arn:aws-us-gov:iam::111122223333:role/x"}}
  evidenceAccount: {role: "arn:aws-us-gov:iam::444455556666:role/x"}
`,
);

type Document = { readonly Version: string; readonly Statement: readonly { readonly Resource: readonly string[] }[] };
type Policies = { readonly policies: readonly { readonly role: string; readonly document: Document }[] };

test("policy iam prints one document a role, for account, partition and bucket of the configuration", async () => {
  const { code, json } = await holdfastJson<Policies>(["--config", config, "policy", "iam", "--cloud", "aws"], { home });
  expect(code).toBe(0);
  expect(json.policies.map(({ role }) => role)).toEqual(["collector", "evidence", "vault", "contain"]);
  const resources = json.policies.flatMap(({ document }) => document.Statement.flatMap(({ Resource }) => Resource));
  expect(resources.filter((resource) => resource !== "*" && !resource.startsWith("arn:aws-us-gov:"))).toEqual([]);
  expect(resources).toEqual(expect.arrayContaining(["arn:aws-us-gov:ec2:*:111122223333:instance/*", "arn:aws-us-gov:s3:::evidence/holdfast/*"]));
});

test("with --role it is the bare document, as the provider's own command line takes it; no home is made", async () => {
  const ran = await holdfast(["policy", "iam", "--cloud", "aws", "--role", "contain", "--account", "999900001111"], { home: join(home, "none") });
  expect(ran.code).toBe(0);
  const document: Document = JSON.parse(ran.stdout);
  expect(document.Version).toBe("2012-10-17");
  expect(document.Statement.flatMap(({ Resource }) => Resource)).toContain("arn:aws:ec2:*:999900001111:network-interface/*");
});

test("what is left out is said", async () => {
  const ran = await holdfast(["policy", "iam", "--cloud", "aws"], { home: join(home, "none") });
  expect(ran.code).toBe(0);
  expect(Object.keys(JSON.parse(ran.stdout))).toEqual(["collector", "evidence", "contain"]);
  expect(ran.stderr).toMatch(/no aws\.evidenceAccount, so the right to share snapshots is left out/);
  expect(ran.stderr).toMatch(/vault: here is a directory and needs no policy/);
});

test.for([
  { args: ["--cloud", "gcp"], code: 2, text: /makes no call to gcp/ },
  { args: [], code: 2, text: /--cloud: say whose policies/ },
  { args: ["--cloud", "aws", "--role", "admin"], code: 2, text: /--role: "admin" is none of collector, evidence, vault, contain/ },
  { args: ["--cloud", "aws", "--account", "1"], code: 2, text: /--account: "1" is not an account/ },
  { args: ["--cloud", "aws", "--role", "vault"], code: 3, text: /vault here is a directory: it needs no IAM policy/ },
])("policy iam $args is refused in words", async ({ args, code, text }) => {
  const ran = await holdfast(["policy", "iam", ...args], { home: join(home, "none") });
  expect([ran.code, ran.stdout]).toEqual([code, ""]);
  expect(ran.stderr).toMatch(text);
});
