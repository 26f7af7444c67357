import { randomBytes } from "node:crypto";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, expect, test, vi } from "vitest";
import { openS3Vault } from "../../src/vault/s3.ts";
import { expiredToken, startFaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { memoryJournal } from "../suite/memory-journal.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { s3BenchOf, s3ClientOf, s3VaultOf, type S3Place } from "../suite/s3-bench.ts";
import { inSeconds, never, newKey, receiptOf, requestOf, type VaultTraits } from "../suite/vault-bench.ts";
import { vaultSuite } from "../suite/vault-suite.ts";

const traits: VaultTraits = { partSize: 4096, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };

const fakes: S3Fake[] = [];
afterAll(async () => {
  for (const fake of fakes) await fake.stop();
});

vaultSuite(
  "S3, honest fake",
  async () => {
    const fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
    fakes.push(fake);
    return s3BenchOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "evidence" }, async () => undefined, { expectedOwner: fake.owner });
  },
  traits,
);

async function fresh(): Promise<{ fake: S3Fake; place: S3Place }> {
  const fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
  fakes.push(fake);
  return { fake, place: { endpoint: fake.url, credentials: fake.credentials, bucket: "evidence" } };
}

test("an upload of more parts than one page lists is resumed, and only what is missing is sent", async () => {
  const { fake, place } = await fresh();
  const vault = s3VaultOf(place);
  const small = { ...traits, partSize: 1024 };
  const bytes = bytesOf(1200 * 1024 + 5, "many parts");
  const journal = memoryJournal();
  journal.before = (call) => {
    if (call === "part 1150") throw new Error("killed");
  };
  const retainUntil = inSeconds(3600);
  const key = newKey();
  await expect(vault.put(requestOf(small, bytes, { key, journal, retainUntil }), never)).rejects.toThrow("killed");
  journal.before = null;
  const before = fake.requests.length;
  const stored = await vault.put(requestOf(small, bytes, { key, journal, retainUntil }), never);
  const since = fake.requests.slice(before).map((request) => request.operation);
  expect(since.filter((operation) => operation === "ListParts")).toHaveLength(2);
  expect(since.filter((operation) => operation === "UploadPart").length).toBeLessThanOrEqual(52);
  expect(await receiptOf(vault, stored)).toMatchObject({ sealed: true, bytes: String(bytes.length) });
});

test("credentials that ran out are asked for once more, and a renewed chain goes on without a pause", async () => {
  const { fake, place } = await fresh();
  const proxy = await startFaultProxy(fake.url, [expiredToken(5, 1)]);
  let asked = 0;
  const credentials = async (): Promise<S3Place["credentials"]> => {
    asked += 1;
    return place.credentials;
  };
  const vault = s3VaultOf({ ...place, endpoint: proxy.url }, { credentials });
  const request = requestOf(traits, bytesOf(20_000, "renewed"));
  expect(await receiptOf(vault, await vault.put(request, never))).toMatchObject({ sealed: true });
  expect(asked).toBe(2);
  vault.close();
  await proxy.stop();
});

test("endpoint, region and credentials come from the environment as the SDK takes them", async () => {
  const { fake, place } = await fresh();
  vi.stubEnv("AWS_ENDPOINT_URL", fake.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", place.credentials.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", place.credentials.secretAccessKey);
  const { bucket } = place;
  const options = { name: "s3", bucket, region: null, endpoint: null, pathStyle: true, expectedOwner: null, kmsKey: null, acceptBypassable: false } as const;
  const vault = openS3Vault({ ...options, prefix: "", mode: "compliance", clock: () => new Date(), random: (bytes) => randomBytes(bytes) });
  expect(await receiptOf(vault, await vault.put(requestOf(traits, bytesOf(9, "environment")), never))).toMatchObject({ sealed: true });
  vi.unstubAllEnvs();
});

test("without any credentials the configuration is named as the cause", async () => {
  const { place } = await fresh();
  const credentials = async (): Promise<never> => {
    throw Object.assign(new Error("Could not load credentials from any providers"), { name: "CredentialsProviderError" });
  };
  const vault = s3VaultOf(place, { credentials });
  await expect(vault.put(requestOf(traits, bytesOf(9, "none")), never)).rejects.toMatchObject({
    code: "config",
    message: expect.stringContaining("AWS_PROFILE"),
  });
});

test.for([9, 9000])("a key for encryption, the media type and our mark are asked for and stored (%i bytes)", async (length) => {
  const { place } = await fresh();
  const vault = s3VaultOf(place, { kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/abc" });
  const request = requestOf(traits, bytesOf(length, "encrypted"));
  await vault.put(request, never);
  const head = await s3ClientOf(place).send(new HeadObjectCommand({ Bucket: place.bucket, Key: `holdfast/${request.key}` }));
  expect(head).toMatchObject({
    ServerSideEncryption: "aws:kms",
    SSEKMSKeyId: "arn:aws:kms:eu-west-1:111122223333:key/abc",
    ContentType: "application/octet-stream",
  });
  expect(head.Metadata).toEqual({ "holdfast-put": expect.stringMatching(/^[0-9a-f]{32}$/) });
});

test("a wrong bucket owner stops a put before a byte is stored", async () => {
  const { fake, place } = await fresh();
  const vault = s3VaultOf(place, { expectedOwner: "999999999999", attempts: 1 });
  for (const length of [9, 9000])
    await expect(vault.put(requestOf(traits, bytesOf(length, "owner")), never)).rejects.toMatchObject({
      code: "vault",
      message: expect.stringContaining("999999999999 owns"),
    });
  expect(fake.bucket("evidence").keys.size).toBe(0);
});

test("nothing that the vault asked is outside of S3 as the fake knows it", () => {
  expect(fakes.flatMap((fake) => fake.violations)).toEqual([]);
});
