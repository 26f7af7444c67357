import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { type Fault, type FaultProxy, startFaultProxy } from "../clouds/fault-proxy.ts";
import { memoryJournal } from "../suite/memory-journal.ts";
import { bytesOf, partsOf } from "../suite/parts-of.ts";
import { makeLockedBucket, placeOf, type S3Place, s3BenchOf } from "../suite/s3-bench.ts";
import { expectBytes, inSeconds, never, newKey, receiptOf, requestOf, type VaultBench, type VaultTraits } from "../suite/vault-bench.ts";

const traits: VaultTraits = { partSize: 5 << 20, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };
const bytes = bytesOf((10 << 20) + 17, "server faults");
const slowDown = { kind: "answer", status: 503, code: "SlowDown" } as const;

/** Misfortunes whose end depends on what the server says afterwards: each answers a repeated Complete in its own way. */
const faults: readonly (readonly [string, Fault])[] = [
  ["503 for a while", { on: ["UploadPart", "CompleteMultipartUpload"], times: 3, does: slowDown }],
  ["a lost answer to the begin", { on: "CreateMultipartUpload", does: { kind: "reset-after" } }],
  ["a reset after a part was stored", { on: "UploadPart", part: 2, does: { kind: "reset-after" } }],
  ["a reset in the middle of a part", { on: "UploadPart", part: 2, does: { kind: "reset-before", afterBytes: 1 << 20 } }],
  ["a corrupted part", { on: "UploadPart", part: 1, times: 2, does: { kind: "corrupt-request", offset: 3 << 20 } }],
  ["a reset before the complete", { on: "CompleteMultipartUpload", does: { kind: "reset-before" } }],
  ["a lost answer to the complete", { on: "CompleteMultipartUpload", does: { kind: "reset-after" } }],
  ["200 with an error body, and done", { on: "CompleteMultipartUpload", does: { kind: "error-in-200", code: "InternalError", commit: true } }],
  ["200 with an error body, nothing done", { on: "CompleteMultipartUpload", does: { kind: "error-in-200", code: "InternalError", commit: false } }],
  ["an answer to the complete that is cut short", { on: "CompleteMultipartUpload", does: { kind: "truncate-answer", afterBytes: 40 } }],
];

describe.for(["minio", "versitygw"] as const)("faults on the way to %s", (name) => {
  const found = inject("servers")[name];
  let place: S3Place;
  let proxy: FaultProxy;
  let bench: VaultBench;

  beforeAll(async () => {
    if (found.kind === "none") return;
    place = placeOf(found.server, "faults");
    await makeLockedBucket(place);
  });
  beforeEach(async ({ skip }) => {
    if (found.kind === "none") return skip(`${name}: ${found.why}`);
    proxy = await startFaultProxy(place.endpoint, []);
    bench = s3BenchOf({ ...place, endpoint: proxy.url }, () => proxy.stop(), { attempts: 5, sleep: async () => undefined });
  });
  afterEach(async () => {
    if (found.kind === "none") return;
    proxy.clear();
    bench.vault.close();
    await bench.close();
  });

  test.for(faults)("%s: one whole, sealed object", async ([, fault]) => {
    proxy.add(fault);
    const request = requestOf(traits, bytes);
    const stored = await bench.vault.put(request, never);
    expect(proxy.fired.length).toBeGreaterThan(0);
    proxy.clear();
    expectBytes(await bench.raw(request.key), bytes);
    expect(await bench.count(request.key)).toBe(1);
    expect(await receiptOf(bench.vault, stored)).toMatchObject({ sealed: true, problems: [] });
  });

  test("a store that is gone for good in the middle leaves a journal from which the rest alone is sent", async () => {
    proxy.add({ on: "UploadPart", part: 3, times: Number.POSITIVE_INFINITY, does: { kind: "reset-before" } });
    const [key, journal, retainUntil] = [newKey(), memoryJournal(), inSeconds(3600)];
    const journaledParts = (): number => journal.load()?.parts.length ?? 0;
    // The source gives its last part only when the two before it are safe.
    const stream = partsOf(bytes, traits.partSize, {
      before: async (number) => {
        while (number === 3 && journaledParts() < 2) await sleep(10);
      },
    });
    await expect(bench.vault.put(requestOf(traits, bytes, { key, journal, retainUntil, stream }), never)).rejects.toMatchObject({ code: "vault" });
    proxy.clear();
    expect(journaledParts()).toBe(2);
    const before = proxy.seen.filter((request) => request.operation === "UploadPart").length;
    const stored = await bench.vault.put(requestOf(traits, bytes, { key, journal, retainUntil }), never);
    expect(proxy.seen.filter((request) => request.operation === "UploadPart").length - before).toBe(1);
    expectBytes(await bench.raw(key), bytes);
    expect([await bench.count(key), await receiptOf(bench.vault, stored)]).toMatchObject([1, { sealed: true, problems: [] }]);
  });
});
