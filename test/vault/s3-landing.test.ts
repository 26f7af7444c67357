import { createHash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import type { Stored } from "../../src/core/vault.ts";
import { openDirectoryVault } from "../../src/vault/directory.ts";
import { startFaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake, type S3Fake, type S3FakeOptions } from "../clouds/s3-fake.ts";
import { finish, land, landingRequestOf, linkOf, push, pushAll } from "../suite/landing-bench.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { s3BenchOf, s3VaultOf, type S3Place } from "../suite/s3-bench.ts";
import { inSeconds, never, receiptOf, requestOf, type VaultTraits } from "../suite/vault-bench.ts";
import { landingSuite } from "../suite/vault-suite-landing.ts";

const traits: VaultTraits = { partSize: 4096, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };
const fakes: S3Fake[] = [];
afterAll(async () => {
  for (const fake of fakes) await fake.stop();
});

async function fresh(more: S3FakeOptions = {}): Promise<{ fake: S3Fake; place: S3Place }> {
  const fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024, ...more });
  fakes.push(fake);
  return { fake, place: { endpoint: fake.url, credentials: fake.credentials, bucket: "evidence" } };
}

landingSuite(
  "S3, honest fake",
  async () => {
    const { fake, place } = await fresh();
    return { bench: s3BenchOf(place, async () => undefined, { expectedOwner: fake.owner }), place };
  },
  { partSize: 4096, demandsMd5: true, checksMd5: true, refusesUnsignedHeaders: true },
);

test("an upload of more parts than one page lists is seen to its end", async () => {
  const { place } = await fresh();
  const vault = s3VaultOf(place);
  const landing = await land(vault, landingRequestOf(1024));
  await pushAll(landing, bytesOf(1100 * 1024, "many"));
  expect((await landing.arrived(never)).map(({ number }) => number)).toEqual(Array.from({ length: 1100 }, (_, index) => index + 1));
  expect(await receiptOf(vault, await finish(vault, landing))).toMatchObject({ sealed: true });
});

test.for(["reset-after", "error-in-200"] as const)("a Complete whose answer was lost (%s) is settled by looking", async (kind) => {
  const { fake, place } = await fresh();
  const does = kind === "reset-after" ? { kind } : { kind, code: "InternalError", commit: true };
  const proxy = await startFaultProxy(fake.url, [{ on: "CompleteMultipartUpload", does }]);
  const vault = s3VaultOf({ ...place, endpoint: proxy.url }, { sleep: async () => undefined });
  const request = landingRequestOf(4096);
  const landing = await land(vault, request);
  await pushAll(landing, bytesOf(9000, "lost answer"));
  expect(await receiptOf(vault, await finish(vault, landing))).toMatchObject({ sealed: true, bytes: "9000" });
  expect(fake.bucket("evidence").keys.get(`holdfast/${request.key}`)).toHaveLength(1);
  vault.close();
  await proxy.stop();
});

test("temporary credentials: the token is in every link, and no link says that it lives longer than they do", async () => {
  const credentials = { accessKeyId: "ASIATEST", secretAccessKey: "secret1234", sessionToken: "a token/with+signs==" };
  const { place } = await fresh({ credentials });
  const expiration = new Date(Math.floor(Date.now() / 1000) * 1000 + 400_000);
  const vault = s3VaultOf(place, { credentials: { ...credentials, expiration } });
  const landing = await land(vault, landingRequestOf(4096));
  const links = await landing.links(1, 3, 3600, never);
  expect(Date.parse(links.expires)).toBe(expiration.getTime());
  expect(links.template).toContain(`X-Amz-Security-Token=${encodeURIComponent(credentials.sessionToken)}`);
  for (const part of [1, 2, 3]) expect((await push(linkOf(links, part), bytesOf(4096, "part"))).status).toBe(200);
  const url = linkOf(links, 1).replace(/&X-Amz-Security-Token=[^&]*/, "");
  expect((await push(url, bytesOf(4096, "part"))).status).toBe(400);
  const { url: tool } = await landing.offer("avml", Buffer.from("tool"), 3600, never);
  expect(Number(new URL(tool).searchParams.get("X-Amz-Expires"))).toBeLessThanOrEqual(400);
});

test("credentials that have ended sign no links, and are asked for again", async () => {
  const { place } = await fresh();
  let ended = false;
  let asked = 0;
  const credentials = async (): Promise<S3Place["credentials"] & { readonly expiration?: Date }> => {
    asked += 1;
    return ended ? { ...place.credentials, expiration: new Date(Date.now() - 1000) } : place.credentials;
  };
  const vault = s3VaultOf(place, { credentials });
  const landing = await land(vault, landingRequestOf(4096));
  expect(asked).toBe(1);
  ended = true;
  // The SDK remembers what has no end date; a fresh vault meets the ended ones at once.
  const late = s3VaultOf(place, { credentials });
  await expect(land(late, landingRequestOf(4096)).then((open) => open.links(1, 1, 60, never))).rejects.toMatchObject({ code: "paused" });
  expect(asked).toBeGreaterThanOrEqual(3);
  expect((await landing.links(1, 1, 60, never)).signatures).toHaveLength(1);
});

test("a key for encryption is asked for, and no checksum algorithm is declared", async () => {
  const { fake, place } = await fresh();
  const vault = s3VaultOf(place, { kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/abc" });
  const request = landingRequestOf(4096);
  const landing = await land(vault, request);
  const [upload] = fake.bucket("evidence").uploads.values();
  expect(upload).toMatchObject({ algorithm: null, headers: { "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:111122223333:key/abc" } });
  expect(landing.token).toContain(upload?.id);
});

test.for([
  [100, "full"],
  [9000, "composite"],
] as const)("of bytes that were read again, a SHA-256 of the whole that the store shows must agree (%i bytes, %s)", async ([length, type]) => {
  const { place } = await fresh();
  const vault = s3VaultOf(place);
  const bytes = bytesOf(length, "shown");
  const stored = { ...(await vault.put(requestOf(traits, bytes), never)), proof: "reread" as const };
  const asRead = (value: string): Stored => ({ ...stored, checksum: { ...stored.checksum, type: "full", value } });
  const digest = createHash("sha256").update(bytes).digest("base64");
  const right = await receiptOf(vault, asRead(digest));
  expect(right).toMatchObject({ sealed: true, problems: [], checksum: { type } });
  expect(right.text.includes("comes from reading")).toBe(type === "composite");
  const wrong = await receiptOf(vault, asRead(createHash("sha256").digest("base64")));
  expect(wrong.problems).toEqual(type === "full" ? [expect.stringContaining("checksum: ")] : []);
  expect(wrong.sealed).toBe(type === "composite");
});

test("a directory issues no links", async () => {
  const vault = openDirectoryVault({ name: "disk", root: "unused", clock: () => new Date(), random: (bytes) => Buffer.alloc(bytes) });
  const retention = { mode: "directory", retainUntil: inSeconds(60), legalHold: false } as const;
  expect(await vault.land({ key: "E/object", mediaType: "text/plain", retention, partSize: 4096 }, null, never)).toBeNull();
});

test("nothing that a landing or a host asked is outside of S3 as the fake knows it", () => {
  expect(fakes.flatMap((fake) => fake.violations)).toEqual([]);
});
