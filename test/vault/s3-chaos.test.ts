import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFaultProxy, type Fault, type FaultAction, type FaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { memoryJournal } from "../suite/memory-journal.ts";
import { bytesOf, partsOf } from "../suite/parts-of.ts";
import { s3BenchOf } from "../suite/s3-bench.ts";
import { expectBytes, inSeconds, never, newKey, receiptOf, requestOf, type VaultBench, type VaultTraits } from "../suite/vault-bench.ts";

const traits: VaultTraits = { partSize: 2048, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };
let fake: S3Fake;
let proxy: FaultProxy;
let bench: VaultBench;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
  proxy = await startFaultProxy(fake.url, []);
  bench = s3BenchOf({ endpoint: proxy.url, credentials: fake.credentials, bucket: "evidence" }, () => proxy.stop(), {
    attempts: 3,
    requestTimeoutMs: 400,
    sleep: async () => undefined,
  });
});
afterAll(async () => {
  bench.vault.close();
  await bench.close();
  await fake.stop();
});

const does = fc.constantFrom<FaultAction>(
  { kind: "answer", status: 503, code: "SlowDown" },
  { kind: "answer", status: 500, code: "InternalError" },
  { kind: "answer", status: 400, code: "ExpiredToken" },
  { kind: "answer", status: 409, code: "ConditionalRequestConflict" },
  { kind: "reset-before" },
  { kind: "reset-before", afterBytes: 300 },
  { kind: "reset-after" },
  { kind: "corrupt-request", offset: 7 },
  { kind: "truncate-answer", afterBytes: 10 },
  { kind: "stall-answer", milliseconds: 800 },
);
const on = fc.constantFrom<Fault["on"]>("any", "UploadPart", "PutObject", "CreateMultipartUpload", "CompleteMultipartUpload", "HeadObject", "ListParts");
const fault = fc.record({ on, from: fc.integer({ min: 1, max: 8 }), times: fc.integer({ min: 1, max: 5 }), does });
const errorInOk = fc.record({
  on: fc.constant("CompleteMultipartUpload" as const),
  times: fc.integer({ min: 1, max: 4 }),
  does: fc.boolean().map((commit): FaultAction => ({ kind: "error-in-200", code: "InternalError", commit })),
});
const kill = fc.constantFrom("begin", "part 1", "part 2", "part 4", "part 6", "completing", null);

test("whatever fails and whenever it is killed, in the end there is one whole sealed object and every part was given back once", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 100, 2048, 2049, 5 * 2048 + 9, 7 * 2048),
      fc.array(fc.oneof(fault, errorInOk), { maxLength: 4 }),
      fc.array(kill, { maxLength: 4 }),
      async (length, faults, kills) => {
        const key = newKey();
        const bytes = bytesOf(length, key);
        const journal = memoryJournal();
        const retainUntil = inSeconds(3600);
        const attempt = async (): Promise<Awaited<ReturnType<typeof bench.vault.put>>> => {
          const stream = partsOf(bytes, traits.partSize);
          try {
            return await bench.vault.put(requestOf(traits, bytes, { key, journal, stream, retainUntil }), never);
          } finally {
            expect([...stream.released.values()].every((times) => times === 1)).toBe(true);
            expect(stream.released.size).toBe(stream.taken());
          }
        };
        for (const each of faults) proxy.add(each);
        for (const at of kills) {
          journal.before =
            at === null
              ? null
              : (call) => {
                  if (call === at) throw new Error("killed");
                };
          await attempt().catch((error: unknown) => {
            if (!(error instanceof Error && (error.message === "killed" || ("code" in error && (error.code === "paused" || error.code === "vault")))))
              throw error;
          });
        }
        journal.before = null;
        proxy.clear();
        const stored = await attempt();
        expectBytes(await bench.raw(key), bytes);
        expect(await bench.count(key)).toBe(1);
        expect(await receiptOf(bench.vault, stored)).toMatchObject({ sealed: true, problems: [] });
      },
    ),
    { numRuns: Number(process.env["HOLDFAST_CHAOS"] ?? 40), ...(process.env["HOLDFAST_CHAOS"] === undefined ? { seed: 20_261_124 } : {}) },
  );
});
