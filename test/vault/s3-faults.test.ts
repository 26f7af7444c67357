import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expiredToken, startFaultProxy, type Fault, type FaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { memoryJournal } from "../suite/memory-journal.ts";
import { bytesOf, partsOf } from "../suite/parts-of.ts";
import { s3BenchOf, s3VaultOf } from "../suite/s3-bench.ts";
import { expectBytes, inSeconds, never, newKey, readAll, receiptOf, requestOf, type VaultBench, type VaultTraits } from "../suite/vault-bench.ts";

const traits: VaultTraits = { partSize: 4096, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };
const small = bytesOf(100, "small");
const large = bytesOf(5 * 4096 + 17, "large");
const forever = Number.POSITIVE_INFINITY;
const stallMs = 3000;

let fake: S3Fake;
let proxy: FaultProxy;
let bench: VaultBench;
let slept: number[];
beforeAll(async () => {
  fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
});
beforeEach(async () => {
  slept = [];
  proxy = await startFaultProxy(fake.url, []);
  bench = s3BenchOf({ endpoint: proxy.url, credentials: fake.credentials, bucket: "evidence" }, () => proxy.stop(), {
    attempts: 4,
    requestTimeoutMs: 700,
    sleep: async (ms) => void slept.push(ms),
  });
});
afterEach(async () => {
  proxy.clear();
  bench.vault.close();
  await bench.close();
  expect(fake.violations).toEqual([]);
});
afterAll(() => fake.stop());

const slowDown = { kind: "answer", status: 503, code: "SlowDown" } as const;
const passing: readonly (readonly [string, Fault])[] = [
  ["503 on a part, for a while", { on: "UploadPart", part: 2, times: 3, does: slowDown }],
  ["503 on every kind of call once", { on: ["CreateMultipartUpload", "CompleteMultipartUpload", "PutObject", "HeadObject"], times: 2, does: slowDown }],
  ["an internal error on a part", { on: ["UploadPart", "PutObject"], times: 2, does: { kind: "answer", status: 500, code: "InternalError" } }],
  ["a reset before the body was read", { on: ["UploadPart", "PutObject"], times: 2, does: { kind: "reset-before" } }],
  ["a reset in the middle of a body", { on: ["UploadPart", "PutObject"], times: 2, does: { kind: "reset-before", afterBytes: 50 } }],
  ["a reset after the part was stored", { on: "UploadPart", part: 3, does: { kind: "reset-after" } }],
  ["a lost answer to the put", { on: "PutObject", does: { kind: "reset-after" } }],
  ["a lost answer to the begin", { on: "CreateMultipartUpload", does: { kind: "reset-after" } }],
  ["a lost answer to the complete", { on: "CompleteMultipartUpload", does: { kind: "reset-after" } }],
  ["a reset before the complete", { on: "CompleteMultipartUpload", times: 2, does: { kind: "reset-before" } }],
  ["200 with an error, nothing done", { on: "CompleteMultipartUpload", times: 2, does: { kind: "error-in-200", code: "InternalError", commit: false } }],
  ["200 with an error, and done", { on: "CompleteMultipartUpload", does: { kind: "error-in-200", code: "InternalError", commit: true } }],
  ["an answer to the complete that is cut short", { on: "CompleteMultipartUpload", does: { kind: "truncate-answer", afterBytes: 40 } }],
  ["a stalled part", { on: ["UploadPart", "PutObject"], does: { kind: "stall", milliseconds: stallMs } }],
  ["a stalled answer to the complete or the put", { on: ["CompleteMultipartUpload", "PutObject"], does: { kind: "stall-answer", milliseconds: stallMs } }],
  ["a corrupted body", { on: ["UploadPart", "PutObject"], times: 2, does: { kind: "corrupt-request", offset: 10 } }],
  [
    "a conflict with another conditional write",
    { on: ["CompleteMultipartUpload", "PutObject"], does: { kind: "answer", status: 409, code: "ConditionalRequestConflict" } },
  ],
];

describe("a fault that passes ends in one whole, sealed object", () => {
  for (const [size, bytes] of [
    ["small", small],
    ["large", large],
  ] as const)
    test.for(passing)(`${size}: %s`, async ([, fault]) => {
      proxy.add(fault);
      const request = requestOf(traits, bytes);
      const stored = await bench.vault.put(request, never);
      proxy.clear();
      expectBytes(await bench.raw(request.key), bytes);
      expect(await bench.count(request.key)).toBe(1);
      expect(await receiptOf(bench.vault, stored)).toMatchObject({ sealed: true, problems: [] });
    });
});

describe("a fault that stays ends in the right error, and resume goes on", () => {
  const staying: readonly (readonly [string, Fault, string, RegExp])[] = [
    ["503 for ever", { on: "UploadPart", from: 3, times: forever, does: slowDown }, "paused", /upload part \d.*SlowDown.*resume later/],
    ["503 for ever on complete", { on: "CompleteMultipartUpload", times: forever, does: slowDown }, "paused", /complete the upload/],
    [
      "internal errors for ever",
      { on: "UploadPart", from: 3, times: forever, does: { kind: "answer", status: 500, code: "InternalError" } },
      "vault",
      /no clear answer in 4 tries/,
    ],
    ["resets for ever", { on: "UploadPart", from: 3, times: forever, does: { kind: "reset-before" } }, "vault", /no clear answer/],
    ["a store that stalls for ever", { on: "UploadPart", from: 3, times: forever, does: { kind: "stall", milliseconds: stallMs } }, "vault", /no clear answer/],
    [
      "a body that is corrupted every time",
      { on: "UploadPart", part: 4, times: forever, does: { kind: "corrupt-request", offset: 99 } },
      "vault",
      /part 4.*(BadDigest|XAmzContentSHA256Mismatch).*other bytes than were sent/,
    ],
    ["credentials that run out", expiredToken(5), "paused", /ExpiredToken.*credentials ran out/],
    [
      "permission that is withdrawn",
      { on: "UploadPart", from: 3, times: forever, does: { kind: "answer", status: 403, code: "AccessDenied" } },
      "vault",
      /denies it/,
    ],
  ];
  test.for(staying)("%s", async ([, fault, code, message]) => {
    proxy.add(fault);
    const key = newKey();
    const journal = memoryJournal();
    const stream = partsOf(large, traits.partSize);
    const retainUntil = inSeconds(3600);
    await expect(bench.vault.put(requestOf(traits, large, { key, journal, stream, retainUntil }), never)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect([...stream.released.values()].every((times) => times === 1)).toBe(true);
    expect(stream.released.size).toBe(stream.taken());
    proxy.clear();
    expect(await bench.raw(key)).toBeNull();
    const journaled = journal.load()?.parts.length ?? 0;
    const before = proxy.seen.filter((request) => request.operation === "UploadPart").length;
    const stored = await bench.vault.put(requestOf(traits, large, { key, journal, retainUntil }), never);
    expect(proxy.seen.filter((request) => request.operation === "UploadPart").length - before).toBeLessThanOrEqual(6 - journaled);
    expectBytes(await bench.raw(key), large);
    expect(await receiptOf(bench.vault, stored)).toMatchObject({ sealed: true, problems: [] });
  });
});

test("aborting while the store asks for patience ends at once", async () => {
  proxy.add({ on: "UploadPart", times: forever, does: { ...slowDown, retryAfter: 60 } });
  const vault = s3VaultOf({ endpoint: proxy.url, credentials: fake.credentials, bucket: "evidence" });
  const stop = new AbortController();
  const watch = setInterval(() => proxy.fired.length > 0 && stop.abort(new Error("ctrl-c")), 20);
  const journal = memoryJournal();
  await expect(vault.put(requestOf(traits, large, { journal }), stop.signal)).rejects.toThrow("ctrl-c");
  clearInterval(watch);
  expect(journal.load()).not.toBeNull();
});

test.for<readonly [string, boolean]>([
  ["fails", false],
  ["is aborted", true],
])("an upload that %s is told at once, also while its source hangs", async ([, byAbort]) => {
  if (!byAbort) proxy.add({ on: "UploadPart", part: 2, times: forever, does: { kind: "answer", status: 403, code: "AccessDenied" } });
  const stop = new AbortController();
  const hangs = Promise.withResolvers<void>();
  const stream = partsOf(large, traits.partSize, {
    before(number) {
      if (number < 4) return undefined;
      if (byAbort) setTimeout(() => stop.abort(new Error("ctrl-c")), 50);
      return hangs.promise;
    },
  });
  await expect(bench.vault.put(requestOf(traits, large, { stream }), stop.signal)).rejects.toThrow(byAbort ? "ctrl-c" : "denies it");
  hangs.resolve();
  await expect.poll(() => stream.released.get(4)).toBe(1); // the late part is given back too
});

test("Retry-After is waited for, and waits grow with jitter", async () => {
  proxy.add({ on: "PutObject", times: 2, does: { ...slowDown, retryAfter: 7 } });
  await bench.vault.put(requestOf(traits, small), never);
  expect(slept).toHaveLength(2);
  for (const ms of slept) expect(ms).toBeGreaterThanOrEqual(7000);
});

test("another object that appears while parts are sent is not overwritten, and the upload is removed", async () => {
  const key = newKey();
  const stream = partsOf(large, traits.partSize, {
    before: async (number) => {
      if (number === 5) await bench.vault.put(requestOf(traits, small, { key }), never);
    },
  });
  await expect(bench.vault.put(requestOf(traits, large, { key, stream }), never)).rejects.toMatchObject({ code: "object-exists" });
  expectBytes(await bench.raw(key), small);
  expect(await bench.unfinished(key)).toBe(0);
});

test("a taken key that cannot be looked at is called neither ours nor another's", async () => {
  for (const bytes of [small, large]) {
    const first = requestOf(traits, bytes);
    await bench.vault.put(first, never);
    proxy.add({ on: "HeadObject", times: forever, does: { kind: "answer", status: 500, code: "InternalError" } });
    const again = requestOf(traits, bytes, { key: first.key });
    await expect(bench.vault.put(again, never)).rejects.toMatchObject({ code: "vault", message: expect.stringContaining("could not be read") });
    proxy.clear();
  }
});

test("the upload that was aborted behind our back is told, and resume starts over", async () => {
  const key = newKey();
  const journal = memoryJournal();
  const stream = partsOf(large, traits.partSize, {
    before: async (number) => {
      if (number === 5) await bench.loseUpload(key, journal.load()?.token ?? "");
    },
  });
  await expect(bench.vault.put(requestOf(traits, large, { key, journal, stream }), never)).rejects.toMatchObject({
    code: "vault",
    message: expect.stringContaining("lost the unfinished upload"),
  });
  await bench.vault.put(requestOf(traits, large, { key, journal }), never);
  expectBytes(await bench.raw(key), large);
});

describe("read", () => {
  test.for<readonly [string, Fault]>([
    ["is cut short", { on: "GetObject", times: 2, does: { kind: "truncate-answer", afterBytes: 3000 } }],
    ["stalls", { on: "GetObject", does: { kind: "stall", milliseconds: stallMs } }],
    ["is refused for a while", { on: "GetObject", times: 2, does: slowDown }],
  ])("an answer that %s is taken up where it broke", async ([, fault]) => {
    const stored = await bench.vault.put(requestOf(traits, large), never);
    proxy.add(fault);
    expect((await readAll(bench.vault, stored, 5, large.length - 5)).equals(large.subarray(5))).toBe(true);
    expect(proxy.fired.length).toBeGreaterThan(0);
  });

  test("one that is cut short every time at the same byte rejects", async () => {
    const stored = await bench.vault.put(requestOf(traits, large), never);
    proxy.add({ on: "GetObject", times: forever, does: { kind: "truncate-answer", afterBytes: 0 } });
    await expect(readAll(bench.vault, stored, 0, large.length)).rejects.toMatchObject({ code: "vault" });
  });
});

test("attest calls what it could not read unknown, after having tried again", async () => {
  const stored = await bench.vault.put(requestOf(traits, small), never);
  proxy.add({ on: "HeadObject", times: forever, does: { kind: "answer", status: 500, code: "InternalError" } });
  expect((await bench.vault.attest(stored, "identity", never)).kind).toBe("unknown");
  proxy.clear();
  proxy.add({ on: "HeadObject", times: 2, does: { kind: "reset-before" } });
  expect(await receiptOf(bench.vault, stored)).toMatchObject({ sealed: true });
});

test("attest with credentials that ran out pauses and concludes nothing", async () => {
  const stored = await bench.vault.put(requestOf(traits, small), never);
  proxy.add(expiredToken(1));
  await expect(bench.vault.attest(stored, "identity", never)).rejects.toMatchObject({ code: "paused" });
});
