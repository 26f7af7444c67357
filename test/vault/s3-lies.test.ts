import { createServer } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ObjectState } from "../../src/core/vault.ts";
import { startLyingProxy, type Lie, type LyingProxy } from "../clouds/lying-proxy.ts";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { s3VaultOf, type S3Place } from "../suite/s3-bench.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { never, readAll, requestOf, type VaultTraits } from "../suite/vault-bench.ts";

const traits: VaultTraits = { partSize: 4096, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };
let fake: S3Fake;
let liar: LyingProxy;
let place: S3Place;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
  liar = await startLyingProxy(fake.url, []);
  place = { endpoint: liar.url, credentials: fake.credentials, bucket: "evidence" };
});
afterEach(() => {
  liar.tell([]);
  fake.denied.clear();
});
afterAll(async () => {
  await liar.stop();
  await fake.stop();
});

/** Stores under the lie and asks afterwards, still under it. */
async function attested(told: readonly Lie[], length: number): Promise<ObjectState> {
  const vault = s3VaultOf(place, { attempts: 2, sleep: async () => undefined });
  liar.tell(told);
  const stored = await vault.put(requestOf(traits, bytesOf(length, "lied about"), { legalHold: true }), never);
  const state = await vault.attest(stored, "identity", never);
  vault.close();
  return state;
}

test("without a lie the object behind the proxy is sealed", async () => {
  expect(await attested([], 10)).toMatchObject({ kind: "present", receipt: { sealed: true, lock: "irrevocable", legalHold: true, problems: [] } });
});

describe.for([10, 9000])("%i bytes", (length) => {
  const presentLies: readonly (readonly [Lie, string, RegExp])[] = [
    ["lock-not-in-head", "irrevocable", /HEAD answer does not show the lock/],
    ["lock-not-anywhere", "removable", /compliance until .* was asked, the store shows none/],
    ["governance-for-compliance", "bypassable", /compliance was asked, the store shows governance/],
    ["governance-in-retention", "bypassable", /compliance was asked, the store shows governance/],
    ["governance-in-head", "irrevocable", /contradicts itself/],
    ["retention-forbidden", "unknown", /could not be read .*AccessDenied/],
    ["retention-garbled", "unknown", /could not be read/],
    ["hold-forbidden", "irrevocable", /hold: it could not be read/],
    ["hold-off", "irrevocable", /a legal hold was asked, the store shows none/],
    ["wrong-checksum", "irrevocable", /checksum: /],
    ["no-checksum", "irrevocable", /checksum: the store shows no SHA-256/],
    ["wrong-size", "irrevocable", /size: /],
    ["another-version-in-head", "irrevocable", /version: .* was asked for, the store answered about/],
  ];
  test.for(presentLies)("the lie %s is never sealed, its lock is called %s, and it is named", async ([told, lock, named]) => {
    const state = await attested([told], length);
    expect(state).toMatchObject({ kind: "present", receipt: { sealed: false, lock } });
    if (state.kind === "present") expect(state.receipt.problems.join("\n")).toMatch(named);
  });

  test("a date that is one day short is named with how much is missing", async () => {
    const state = await attested(["day-short"], length);
    expect(state).toMatchObject({ kind: "present", receipt: { sealed: false } });
    if (state.kind === "present") expect(state.receipt.problems.join("\n")).toMatch(/86400 s short/);
  });

  test("a put answer that names another version is not believed", async () => {
    expect((await attested(["another-version"], length)).kind).toBe("missing");
  });

  test("a put answer without a version is found by looking, or not sealed", async () => {
    const state = await attested(["no-version"], length);
    expect(state).toMatchObject({ kind: "present", receipt: { sealed: true } });
  });
});

test("retention and hold that the account may not read are unknown, and never called unlocked", async () => {
  const vault = s3VaultOf(place, { attempts: 2, sleep: async () => undefined });
  const stored = await vault.put(requestOf(traits, bytesOf(10, "denied")), never);
  fake.denied.add("GetObjectRetention");
  const state = await vault.attest(stored, "identity", never);
  expect(state).toMatchObject({ kind: "present", receipt: { sealed: false, lock: "unknown", mode: null, retainUntil: null } });
  fake.denied.add("HeadObject");
  expect((await vault.attest(stored, "identity", never)).kind).toBe("unknown");
});

test("a governance lock is sealed only where the configuration accepts it", async () => {
  for (const acceptBypassable of [false, true]) {
    const vault = s3VaultOf(place, { mode: "governance", acceptBypassable });
    const stored = await vault.put(requestOf({ ...traits, mode: "governance" }, bytesOf(10, "governed")), never);
    expect(await vault.attest(stored, "identity", never)).toMatchObject({
      receipt: {
        lock: "bypassable",
        mode: "governance",
        sealed: acceptBypassable,
        problems: [],
        text: expect.stringContaining("s3:BypassGovernanceRetention"),
      },
    });
  }
});

test("a governance lock that came for a compliance one is not sealed even where governance is accepted", async () => {
  const vault = s3VaultOf(place, { acceptBypassable: true });
  liar.tell(["governance-for-compliance"]);
  const stored = await vault.put(requestOf(traits, bytesOf(10, "swapped")), never);
  expect(await vault.attest(stored, "identity", never)).toMatchObject({ receipt: { lock: "bypassable", sealed: false } });
});

test("a lock that has lapsed is none, whatever the store shows", async () => {
  const vault = s3VaultOf(place);
  const stored = await vault.put(requestOf(traits, bytesOf(10, "lapsed")), never);
  const later = s3VaultOf(place, { clock: () => new Date(Date.now() + 2 * 3_600_000) });
  expect(await later.attest(stored, "identity", never)).toMatchObject({
    receipt: { lock: "none", sealed: false, problems: [expect.stringContaining("lapsed")] },
  });
});

test.for<readonly [string, number, Readonly<Record<string, string>>, string]>([
  ["ignores the range", 200, {}, "0123456789"],
  ["gives another range", 206, { "content-range": "bytes 0-2/10" }, "012"],
  ["gives a longer range", 206, { "content-range": "bytes 2-5/10" }, "2345"],
  ["gives more bytes than its range says", 206, { "content-range": "bytes 2-4/10" }, "23456"],
  ["answers about another version", 206, { "content-range": "bytes 2-4/10", "x-amz-version-id": "other" }, "234"],
])("a store that %s is not read from", async ([, status, headers, body]) => {
  const server = createServer((_, response) => {
    response.writeHead(status, { "x-amz-version-id": "asked", "content-length": String(body.length), ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const vault = s3VaultOf({ ...place, endpoint: `http://127.0.0.1:${port}` }, { attempts: 1 });
  const ref = { vault: "s3", uri: "s3://evidence/k", key: "k", version: "asked" };
  await expect(readAll(vault, ref, 2, 3)).rejects.toMatchObject({ code: "vault", message: expect.stringContaining("were asked for") });
  vault.close();
  server.closeAllConnections();
  server.close();
});

test.for([
  ["delete-accepted", "delete"],
  ["lock-not-anywhere", "read-back"],
  ["governance-for-compliance", "read-back"],
  ["day-short", "read-back"],
] as const)("the doctor finds the lie %s", async ([told, probe]) => {
  const vault = s3VaultOf(place);
  liar.tell([told]);
  const failed = (await vault.probe(never)).filter((answer) => !answer.ok);
  expect(failed.map((answer) => answer.probe)).toContain(probe);
  expect(failed.every((answer) => answer.fatal)).toBe(true);
});

test("an extension that the store accepted and does not show is not believed", async () => {
  const vault = s3VaultOf(place);
  const stored = await vault.put(requestOf(traits, bytesOf(10, "extended")), never);
  liar.tell(["shorten-accepted"]);
  const later = new Date(Date.parse(stored.asked.retainUntil) + 3_600_000).toISOString();
  await expect(vault.extend(stored, later, never)).rejects.toMatchObject({ code: "vault", message: expect.stringContaining("do not rely on the extension") });
});

test.for([
  [{ objectLock: false, versioning: true }, ["object-lock"]],
  [{ objectLock: false, versioning: false }, ["versioning", "object-lock"]],
] as const)("the doctor says what a bucket with %j lacks, before it stores anything there", async ([bucket, lacks]) => {
  const bare = await startS3Fake({ buckets: [{ name: "bare", ...bucket }] });
  const vault = s3VaultOf({ endpoint: bare.url, credentials: bare.credentials, bucket: "bare" });
  expect((await vault.probe(never)).filter((answer) => !answer.ok).map((answer) => answer.probe)).toEqual(lacks);
  expect(bare.requests.some((request) => request.operation === "PutObject")).toBe(false);
  await bare.stop();
});
