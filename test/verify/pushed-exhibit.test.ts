import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Act } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import type { ExhibitCheck } from "../../src/core/exhibit-check.ts";
import { outcomeDetailToJson, parseOutcomeDetail } from "../../src/core/outcome-detail.ts";
import type { Reader } from "../../src/core/recorder.ts";
import type { Receipt, Stored, Vault } from "../../src/core/vault.ts";
import { verifyExhibit } from "../../src/verify/verify-exhibit.ts";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { finish, land, landingRequestOf, pushAll } from "../suite/landing-bench.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";
import { never, receiptOf } from "../suite/vault-bench.ts";

const bytes = bytesOf(10_000, "pushed by a host");
let fake: S3Fake;
let vault: Vault;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
  vault = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "evidence" });
});
afterAll(async () => {
  vault.close();
  await fake.stop();
});

async function pushed(): Promise<Stored> {
  const landing = await land(vault, landingRequestOf(4096));
  await pushAll(landing, bytes);
  return finish(vault, landing);
}

/** The outcome act as the ledger gives it back. */
function outcomeOf(stored: Stored, receipt: Receipt): Act {
  const put = { ...stored, encoding: "identity" } as const;
  const detail = {
    kind: "memory",
    name: "memory.lime",
    mediaType: "",
    text: null,
    files: null,
    transform: [],
    reproducible: false,
    coverage: null,
    put,
    held: null,
  };
  const {
    reserve: _,
    exhibits: __,
    ...draft
  } = actDraft("collected", { id: "a", kind: "person", proof: "asserted" }, { stored: receipt, detail: outcomeDetailToJson(detail) });
  const zero = parseSha256("0".repeat(64));
  const clock = { offsetMs: null, uncertaintyMs: null, source: "system" };
  const digests = { E: { bytes: String(bytes.length), sha256: parseSha256(createHash("sha256").update(bytes).digest("hex")) } };
  return { ...draft, digests, seq: 0, time: "2030-01-01T00:00:00Z", clock, tool: { name: "t", version: "0", sha256: zero }, exhibits: [], leafHash: zero };
}

async function verified(act: Act, quick: boolean): Promise<ExhibitCheck> {
  const none = (): never => {
    throw new Error("not asked");
  };
  const reader: Reader = { checkpoint: none, note: none, size: none, act: none, acts: () => [act], named: none, cases: none, case: none, close: none };
  return (await verifyExhibit(reader, "E", { vaultOf: async () => vault, holderOf: async () => null }, quick, never)).check;
}

test("an exhibit that a host pushed is intact when every byte is read, and unverifiable by the store's word alone", async () => {
  const stored = await pushed();
  const act = outcomeOf(stored, await receiptOf(vault, stored));
  expect(parseOutcomeDetail(act).put?.proof).toBe("reread");
  expect(await verified(act, false)).toMatchObject({ verdict: "intact", method: "rehash", lock: { lock: "irrevocable", asRecorded: true } });
  expect(await verified(act, true)).toMatchObject({ verdict: "unverifiable", method: "none", text: expect.stringContaining("no SHA-256 of the whole") });
});

test("one turned bit in the store is found by reading it", async () => {
  const stored = await pushed();
  const act = outcomeOf(stored, await receiptOf(vault, stored));
  const piece = fake.bucket("evidence").keys.get(`holdfast/${stored.key}`)?.[0]?.data?.[1];
  if (piece === undefined) throw new Error("no second piece");
  piece[7] = (piece[7] ?? 0) ^ 1;
  expect(await verified(act, false)).toMatchObject({ verdict: "altered", method: "rehash" });
});
