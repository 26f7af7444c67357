import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { parseSha256 } from "../../src/core/digest.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { openCheckpoint } from "../../src/ledger/format/checkpoint.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { leafHash, nodeHash } from "../../src/ledger/format/merkle.ts";
import { inclusionProof, verifyInclusion } from "../../src/ledger/format/merkle-proof.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { draft, forever, notes, open, opening, ORIGIN, tempHome } from "./support.ts";

const digest = parseSha256("ab".repeat(32));

describe("an append", () => {
  test("gives receipts whose checkpoint was signed by both keys and contains each act", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(3));
    const receipts = await recorder.append(notes(4, 3));
    await recorder.close();
    const reader = openReader(home.paths);
    const { origin, vkeys } = readVkeys(home.paths.keys);
    const head = openCheckpoint(Buffer.from(reader.note() ?? ""), origin, vkeys);
    const db = new Database(home.paths.ledger, { readonly: true });
    const hashes = db.prepare<[], Buffer>("SELECT leaf FROM entry ORDER BY idx").pluck().all().map(leafHash);
    db.close();
    const source = (height: number, index: number): Buffer =>
      height === 0 ? (hashes[index] ?? Buffer.alloc(0)) : nodeHash(source(height - 1, index * 2), source(height - 1, index * 2 + 1));
    expect(vkeys.map((k) => k.type)).toEqual(["ed25519", "ml-dsa-44"]);
    expect(receipts.map((r) => r.seq)).toEqual([3, 4, 5, 6]);
    for (const receipt of receipts) {
      expect(receipt.checkpoint).toEqual({ origin: ORIGIN, size: "7", root: head.root.toString("base64") });
      const proof = inclusionProof(source, receipt.seq, head.size);
      expect(verifyInclusion(Buffer.from(receipt.leafHash, "hex"), receipt.seq, head.size, proof, head.root)).toBe(true);
      expect(reader.act(receipt.seq).leafHash).toBe(receipt.leafHash);
    }
    reader.close();
  });

  test("of many callers at once is committed in groups, each answered with its own acts", async () => {
    using home = tempHome();
    let commits = 0;
    const recorder = await open(home.paths, {
      onStep: (step) => {
        if (step === "committed") commits += 1;
      },
    });
    const all = await Promise.all(Array.from({ length: 100 }, (_, i) => recorder.append(notes(2, i * 2))));
    await recorder.close();
    expect(commits).toBeLessThan(5);
    const reader = openReader(home.paths);
    for (const [i, receipts] of all.entries()) expect(receipts.map((r) => reader.act(r.seq).reason)).toEqual([`note ${i * 2}`, `note ${i * 2 + 1}`]);
    reader.close();
  });

  test("that is refused leaves nothing of its own and the others of its group whole", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    const [good, bad, alsoGood] = await Promise.allSettled([
      recorder.append(notes(1)),
      recorder.append([...notes(5), draft("sealed", { exhibits: ["NONE/001"] })]),
      recorder.append(notes(1)),
    ]);
    await recorder.close();
    expect([good.status, bad.status, alsoGood.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", found: { size: "2" } });
  });

  test("of nothing is answered with nothing", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    expect(await recorder.append([])).toEqual([]);
    await recorder.close();
    await expect(recorder.append(notes(1))).rejects.toThrow(/closed/);
  });

  test.for([
    ["an actor who is said to sign", draft("note", {}), { actor: { id: "x", kind: "person", proof: "signed" } }, /signing by the actor/],
    ["a lease without a collection", draft("note", { lease: 1 }), {}, /lease and no collection/],
    ["exhibit numbers of no case", draft("started", { reserve: 1 }), {}, /of no case/],
    ["exhibit numbers of an unopened case", draft("started", { reserve: 1, case: "X" }), {}, /never opened/],
    ["a fraction of an exhibit", draft("started", { reserve: 0.5, case: "X" }), {}, /0\.5/],
    ["a case id with a slash", draft("note", { case: "a/b" }), {}, /case id/],
    ["a case without severity", draft("case-opened", { case: "X" }), {}, /severity/],
    [
      "a digest of an exhibit that it is not about",
      draft("collected", { digests: { "A/001": { sha256: digest, bytes: "1" } } }),
      {},
      /not an exhibit of this act/,
    ],
    ["an exhibit of another case", draft("note", { case: "B", exhibits: ["A/001"] }), {}, /of case B/],
    ["an empty actor", draft("note"), { actor: { id: "", kind: "person", proof: "asserted" } }, /actor.id is empty/],
    ["more than a leaf holds", draft("note", { detail: { text: "x".repeat(70_000) } }), {}, /65535/],
  ] as const)("with %s is a usage error", async ([, what, more, text]) => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await expect(recorder.append([{ ...what, ...more }])).rejects.toThrow(text);
    await expect(recorder.append([{ ...what, ...more }])).rejects.toMatchObject({ code: "usage" });
    await recorder.close();
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", found: { size: "0" } });
  });
});

describe("exhibits", () => {
  test("are numbered from 001 without a gap, and every act about one names the act before it", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append([opening("A"), opening("B")]);
    const [first] = await recorder.append([draft("started", { case: "A", collection: "c", reserve: 2 })]);
    const [other] = await recorder.append([draft("started", { case: "B", collection: "d", reserve: 1 })]);
    const [second, collected] = await recorder.append([
      draft("started", { case: "A", collection: "e", reserve: 1 }),
      draft("collected", { case: "A", exhibits: ["A/002", "A/003"], digests: { "A/002": { sha256: digest, bytes: "5" } } }),
    ]);
    await recorder.append([draft("sealed", { exhibits: ["A/002"] })]);
    await recorder.close();
    expect([first?.exhibits, other?.exhibits, second?.exhibits]).toEqual([["A/001", "A/002"], ["B/001"], ["A/003"]]);
    const reader = openReader(home.paths);
    const chain = [...reader.acts({ exhibit: "A/002" })];
    expect(chain.map((act) => act.act)).toEqual(["started", "collected", "sealed"]);
    expect(chain.map((act) => act.exhibits.find((e) => e.id === "A/002"))).toEqual([
      { id: "A/002", seq: 0, prev: "0".repeat(64) },
      { id: "A/002", seq: 1, prev: first?.leafHash },
      { id: "A/002", seq: 2, prev: collected?.leafHash },
    ]);
    expect(reader.cases()).toMatchObject([
      { id: "A", exhibits: 3, severity: "high", title: "Matter A", jurisdiction: null },
      { id: "B", exhibits: 1 },
    ]);
    expect(reader.case("A")?.opened).toBe(reader.act(0).time);
    expect([reader.case("C"), [...reader.acts({ case: "B" })].length, [...reader.acts({ collection: "e" })].length, [...reader.acts({})].length]).toEqual([
      null,
      2,
      1,
      7,
    ]);
    expect(() => reader.act(7)).toThrow(/no entry 7/);
    reader.close();
  });

  test("pass 999 as contract.md writes them", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append([opening("A")]);
    for (let i = 0; i < 5; i += 1) await recorder.append([draft("started", { case: "A", reserve: 200 })]);
    const [last] = await recorder.append([draft("started", { case: "A", reserve: 1 })]);
    await recorder.append([draft("empty", { case: "A", exhibits: ["A/1000"] })]);
    await recorder.close();
    expect(last?.exhibits).toEqual(["A/1001"]);
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
  });
});

describe("what may happen once", () => {
  test("is recorded once, and its repetition gets the first receipt's act and numbers", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append([opening("A")]);
    const start = draft("started", { case: "A", collection: "c", once: "c/started", reserve: 2 });
    const [first] = await recorder.append([start]);
    const [within, alsoWithin] = await recorder.append([start, start]);
    await recorder.close();
    const later = await open(home.paths);
    const [second] = await later.append([start]);
    await later.close();
    for (const again of [within, alsoWithin, second]) expect(again).toMatchObject({ seq: first?.seq, leafHash: first?.leafHash, exhibits: ["A/001", "A/002"] });
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", found: { size: "2" } });
  });

  test("includes the opening of a case, whatever its second opening says", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    const [first, second] = await Promise.all([recorder.append([opening("A")]), recorder.append([{ ...opening("A"), reason: "again" }])]);
    await recorder.close();
    expect(second[0]?.leafHash).toBe(first[0]?.leafHash);
    expect(await auditLedger(home.paths, forever)).toMatchObject({ found: { size: "1" } });
  });
});

test("an act under an older lease than its collection has seen is refused, and one of another collection is not", async () => {
  using home = tempHome();
  const recorder = await open(home.paths);
  const under = (collection: string, lease: number | null) => recorder.append([draft("note", { collection, lease, once: null })]);
  await under("c", 1);
  await under("c", 3);
  await under("c", 3);
  await expect(under("c", 2)).rejects.toMatchObject({ code: "refused" });
  await under("c", null);
  await under("d", 1);
  await recorder.append([draft("note", { collection: "c", lease: 3, once: "x" })]);
  await under("c", 4);
  await expect(recorder.append([draft("note", { collection: "c", lease: 3, once: "x" })])).rejects.toMatchObject({ code: "refused" });
  await recorder.close();
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});
