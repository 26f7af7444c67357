import { afterAll, beforeAll, expect, test } from "vitest";
import { spawnDiscardSink } from "../clouds/discard-sink.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";
import { never, receiptOf, requestOf, type VaultTraits } from "../suite/vault-bench.ts";

const traits: VaultTraits = { partSize: 5 << 20, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };
let sink: Awaited<ReturnType<typeof spawnDiscardSink>>;

beforeAll(async () => {
  sink = await spawnDiscardSink();
});
afterAll(() => sink.stop());

/** The benches measure a whole run, read-back included: it has to end as it would on a store. */
test.for([0, 1000, (3 << 20) + 1, (15 << 20) + 17])("a put of %i bytes into the discarding sink ends sealed", async (length) => {
  const vault = s3VaultOf({ endpoint: sink.url, credentials: { accessKeyId: "test", secretAccessKey: "secret" }, bucket: "bench" });
  const stored = await vault.put(requestOf(traits, bytesOf(length, "sink"), { legalHold: true }), never);
  expect(await receiptOf(vault, stored)).toMatchObject({ sealed: true, problems: [], bytes: String(length), legalHold: true });
  vault.close();
});
