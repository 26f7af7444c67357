import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeError } from "../../src/core/error.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { parseKmsArn } from "../../src/ledger/keys/signer.ts";
import { keyFiles, readVkeys } from "../../src/ledger/keys/log-keys.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { nextKeys, takeNextKeys } from "../../src/ledger/keys/rotate-keys.ts";
import { currentKeys } from "../../src/ledger/keys/vkey-list.ts";
import { expectAsModelled } from "../clouds/aws/as-modelled.ts";
import { type AwsFake, openAwsFake } from "../clouds/aws/aws-fake.ts";
import { keyArn, type KmsKey, kmsService, kmsWorld } from "../clouds/aws/kms.ts";
import { type KmsPair, kmsPair } from "../clouds/aws/kms-sign.ts";
import { makeKeyRing, userKey } from "../clouds/aws/key-ring.ts";
import { append } from "./mirror-support.ts";
import { draft, forever, notes, open, tempHome } from "./support.ts";

const account = "111122223333";
const user = userKey(account, "signer");
const keyOf = (id: string, pair?: KmsPair): KmsKey => ({
  account,
  region: "eu-west-1",
  id,
  aliases: [],
  manager: "CUSTOMER",
  state: "Enabled",
  created: new Date(0),
  shared: [],
  ...(pair === undefined ? {} : { pair }),
});
const ed = keyOf("1111aaaa-0000-4000-8000-000000000001", kmsPair("ECC_NIST_EDWARDS25519"));
const ml = keyOf("1111aaaa-0000-4000-8000-000000000002", kmsPair("ML_DSA_44"));
const other = keyOf("1111aaaa-0000-4000-8000-000000000003", kmsPair("ECC_NIST_EDWARDS25519"));
const liar = keyOf("1111aaaa-0000-4000-8000-000000000005", kmsPair("ECC_NIST_EDWARDS25519"));
const symmetric = keyOf("1111aaaa-0000-4000-8000-000000000004");
const environment = { ...process.env };
let fake: AwsFake;

beforeEach(async () => {
  for (const key of [ed, ml]) key.state = "Enabled";
  fake = await openAwsFake({ services: [kmsService(kmsWorld([ed, ml, other, liar, symmetric]))], keys: makeKeyRing([user]) });
  // The SDK's default chain is what a user configures.
  Object.assign(process.env, { AWS_ENDPOINT_URL_KMS: fake.url, AWS_ACCESS_KEY_ID: user.accessKeyId, AWS_SECRET_ACCESS_KEY: user.secretAccessKey });
});
afterEach(async () => {
  process.env = { ...environment };
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
  await fake.close();
});

async function rotateTo(paths: LedgerPaths, arns: readonly string[]): Promise<void> {
  const { keys, succession } = await nextKeys(paths, arns, randomBytes);
  const recorder = await open(paths);
  await recorder.append([draft("key-revoked", { detail: { asked: { keys: [...keys] }, succession } })]);
  await recorder.close();
  await takeNextKeys(paths, keys, "revoked");
}

test("heads are signed by keys that never leave KMS, of both types, and verify as those of files do; the folder names them and holds no secret", async () => {
  using home = tempHome();
  await append(home.paths, 2);
  await rotateTo(home.paths, [keyArn(ed), keyArn(ml)]);
  await append(home.paths, 2);
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [], found: { size: "5" } });
  expect(readdirSync(home.paths.keys).filter((name) => name.endsWith(".key"))).toEqual([]);
  const files = keyFiles(home.paths.keys);
  expect(Object.values(files).filter((text) => text.startsWith("arn:"))).toEqual([`${keyArn(ed)}\n`, `${keyArn(ml)}\n`]);
  for (const name of Object.keys(files).filter((n) => n.endsWith(".kms"))) expect(statSync(join(home.paths.keys, name)).mode & 0o777).toBe(0o600);
  // And on to others: the keys in KMS say the succession too.
  await rotateTo(home.paths, [keyArn(other)]);
  await append(home.paths, 1);
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});

test("a key in KMS that is switched off: the act is kept and not receipted, and the next writer signs for it", async () => {
  using home = tempHome();
  await rotateTo(home.paths, [keyArn(ed), keyArn(ml)]);
  const recorder = await open(home.paths);
  ml.state = "Disabled";
  await expect(recorder.append(notes(1))).rejects.toMatchObject({ code: "ledger" });
  await expect(recorder.append(notes(1))).rejects.toMatchObject({ code: "ledger" });
  await recorder.close();
  ml.state = "Enabled";
  await (await open(home.paths)).close();
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [], found: { size: "2" }, signed: { size: "2" } });
});

test("a keeper that signs with another key than it showed is found before a head carries its signature", async () => {
  using home = tempHome();
  await rotateTo(home.paths, [keyArn(liar)]);
  Object.assign(liar, { pair: kmsPair("ECC_NIST_EDWARDS25519") });
  const recorder = await open(home.paths);
  const refused: unknown = await recorder.append(notes(1)).catch((error: unknown) => error);
  await recorder.close();
  expect(describeError(refused)).toMatch(/gave a signature that the ed25519 key [0-9a-f]{8} of the ledger does not verify/);
  expect(currentKeys(readVkeys(home.paths.keys).vkeys)).toHaveLength(2);
});

test("what is no key that can sign heads is refused before anything is prepared: a symmetric key, an alias, two of a type", async () => {
  using home = tempHome();
  const files = readdirSync(home.paths.keys);
  await expect(nextKeys(home.paths, [keyArn(symmetric)], randomBytes)).rejects.toMatchObject({
    code: "ledger",
    message: expect.stringContaining("usage is ENCRYPT_DECRYPT"),
  });
  await expect(nextKeys(home.paths, [keyArn(ed), keyArn(other)], randomBytes)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("two ed25519 keys"),
  });
  expect(() => parseKmsArn("arn:aws:kms:eu-west-1:111122223333:alias/log")).toThrow(/aliases are not taken/);
  expect(readdirSync(home.paths.keys)).toEqual(files);
});
