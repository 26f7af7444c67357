import { expect, inject, test } from "vitest";
import { memoryJournal } from "../suite/memory-journal.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { makeLockedBucket, placeOf, s3BenchOf, s3VaultOf } from "../suite/s3-bench.ts";
import { expectBytes, never, newKey, requestOf, type VaultTraits } from "../suite/vault-bench.ts";

const found = inject("servers").moto;
const traits: VaultTraits = { partSize: 5 << 20, mode: "compliance", lock: "unknown", seals: false, versions: true, oneWinner: true, failsProbes: [] };

test.for([0, 10, (5 << 20) + 1])("%i bytes in moto are never called sealed", async (length, { skip }) => {
  if (found.kind === "none") return skip(`moto: ${found.why}`);
  const place = placeOf(found.server, "liar");
  await makeLockedBucket(place);
  const vault = s3VaultOf(place, { attempts: 2, sleep: async () => undefined });
  const stored = await vault.put(requestOf(traits, bytesOf(length, "lied")), never);
  expect(await vault.attest(stored, "identity", never)).toMatchObject({ kind: "present", receipt: { sealed: false, lock: "unknown" } });
  expect((await vault.probe(never)).some((answer) => answer.fatal && !answer.ok)).toBe(true);
});

test("a part that is listed without a checksum proves nothing and is sent again", async ({ skip }) => {
  if (found.kind === "none") return skip(`moto: ${found.why}`);
  const place = placeOf(found.server, "resumed");
  await makeLockedBucket(place);
  const bench = s3BenchOf(place, async () => undefined);
  const bytes = bytesOf((15 << 20) + 1, "resumed");
  const journal = memoryJournal();
  journal.before = (call) => {
    if (call === "part 3") throw new Error("killed");
  };
  const key = newKey();
  await expect(bench.vault.put(requestOf(traits, bytes, { key, journal }), never)).rejects.toThrow("killed");
  journal.before = null;
  await bench.spoilPart(key, journal.load()?.token ?? "", 1, traits.partSize);
  await bench.vault.put(requestOf(traits, bytes, { key, journal }), never);
  expectBytes(await bench.raw(key), bytes);
  return bench.close();
});
