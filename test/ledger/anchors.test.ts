import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { noAnchors } from "../../src/ledger/anchors/anchor-policy.ts";
import { readAnchorStates } from "../../src/ledger/anchors/anchor-state.ts";
import { keptAnchors } from "../../src/ledger/anchors/anchor-store.ts";
import { dueAnchors } from "../../src/ledger/anchors/anchors.ts";
import { askWitnesses, withWitnesses } from "../../src/ledger/anchors/ask-witnesses.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import type { LedgerAudit } from "../../src/core/verdict.ts";
import { type AnchorRig, anchorRig } from "./anchor-rig.ts";
import { forever } from "./support.ts";

const ALL = ["rfc3161:ecdsa", "rfc3161:rsa", "witness:w1", "witness:w2"];

async function audit(rig: AnchorRig, online: boolean): Promise<LedgerAudit> {
  const found = await auditLedger(rig.paths, forever, rig.policy);
  return online ? withWitnesses(found, await askWitnesses(rig.paths, rig.policy, found.found, fetch, 5000, forever), rig.policy.quorum) : found;
}

describe("anchoring", () => {
  test("keeps a proof of each, and the audit checks all of them against the tree that it recomputes", async () => {
    await using rig = await anchorRig();
    await rig.append(3);
    expect((await rig.anchor()).map((a) => [a.anchor, a.kind])).toEqual([
      ["witness:w1", "anchored"],
      ["witness:w2", "anchored"],
      ["rfc3161:rsa", "anchored"],
      ["rfc3161:ecdsa", "anchored"],
    ]);
    await rig.append(2);
    await rig.anchor();
    await rig.append(1);
    const found = await audit(rig, false);
    expect(found).toMatchObject({ verdict: "intact", assurance: "timestamped", anchors: ALL, unreachable: [], problems: [] });
    expect(found.covers.map(({ size }) => size)).toEqual([5, 5, 5, 5]);
    expect(found.found.size).toBe("6");
  });

  test("of a head that is anchored already keeps nothing twice", async () => {
    await using rig = await anchorRig();
    await rig.append(3);
    await rig.anchor();
    await rig.anchor();
    expect(new Database(rig.paths.ledger, { readonly: true }).prepare("SELECT count(*) FROM anchor").pluck().get()).toBe(4);
  });

  test("loses nothing where all of them are down or lie, and says since when", async () => {
    await using rig = await anchorRig();
    await rig.append(2);
    rig.witnesses[0].lie = "down";
    rig.witnesses[1].lie = "other-text";
    rig.tsas[0].lie = "nonce";
    rig.tsas[1].lie = "problem-json";
    expect((await rig.anchor()).map(({ kind }) => kind)).toEqual(["broken", "broken", "misconfigured", "broken"]);
    const first = readAnchorStates(rig.paths);
    await rig.append(1);
    await rig.anchor();
    const second = readAnchorStates(rig.paths);
    expect(second["witness:w1"]?.trouble?.since).toBe(first["witness:w1"]?.trouble?.since);
    expect(second["witness:w1"]?.tried).not.toBe(first["witness:w1"]?.tried);
    expect(await audit(rig, false)).toMatchObject({
      verdict: "intact",
      assurance: "self",
      anchors: [],
      unreachable: ["witness:w1", "witness:w2", "rfc3161:rsa", "rfc3161:ecdsa"],
    });
    rig.witnesses[0].lie = null;
    await rig.anchor();
    expect(readAnchorStates(rig.paths)["witness:w1"]).toMatchObject({ size: 3, trouble: null });
  });

  test("is due when something is new and ten minutes have gone, and a minute after a failure", async () => {
    await using rig = await anchorRig();
    const later = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);
    expect(dueAnchors(rig.paths, rig.policy, 0, new Date())).toEqual([]);
    await rig.append(2);
    expect(dueAnchors(rig.paths, rig.policy, 2, new Date())).toHaveLength(4);
    rig.witnesses[1].lie = "down";
    await rig.anchor();
    expect(dueAnchors(rig.paths, rig.policy, 2, later(11))).toEqual(["witness:w2"]);
    expect(dueAnchors(rig.paths, rig.policy, 3, later(0.5))).toEqual([]);
    expect(dueAnchors(rig.paths, rig.policy, 3, later(2))).toEqual(["witness:w2"]);
    expect(dueAnchors(rig.paths, rig.policy, 3, later(11))).toHaveLength(4);
    writeFileSync(join(rig.dir, "anchors.json"), "{");
    expect(dueAnchors(rig.paths, rig.policy, 3, new Date())).toHaveLength(4);
  });
});

describe("the audit", () => {
  test("calls a ledger witnessed only by as many witnesses as the quorum asks", async () => {
    await using rig = await anchorRig();
    await rig.append(2);
    rig.witnesses[1].lie = "down";
    for (const tsa of rig.tsas) tsa.lie = "down";
    await rig.anchor();
    expect(await audit(rig, false)).toMatchObject({ assurance: "self", anchors: ["witness:w1"] });
    rig.witnesses[1].lie = null;
    await rig.anchor();
    expect(await audit(rig, false)).toMatchObject({ assurance: "witnessed", anchors: ["witness:w1", "witness:w2"] });
  });

  test("finds a whole home that was put back, keys, head and proofs included: the witnesses name the larger size", async () => {
    await using rig = await anchorRig();
    await rig.append(3);
    await rig.anchor();
    const old = join(rig.dir, "..", `old-${Date.now()}`);
    cpSync(rig.dir, old, { recursive: true });
    await rig.append(4);
    await rig.anchor();
    rmSync(rig.dir, { recursive: true });
    cpSync(old, rig.dir, { recursive: true });
    rmSync(old, { recursive: true });
    expect((await audit(rig, false)).verdict).toBe("intact");
    const found = await audit(rig, true);
    expect(found.verdict).toBe("rollback");
    expect(found.problems.map(({ text }) => text).join()).toContain("has seen 7 entries of this log, and here are 3");
    await rig.append(9); // rolled back, and gone on with
    const forked = await audit(rig, true);
    expect(forked.verdict).toBe("fork");
    expect(forked.problems.map(({ kind }) => kind)).toEqual(["fork", "fork"]);
  });

  test("is unverifiable where too few witnesses answer, and intact without them where nobody is asked", async () => {
    await using rig = await anchorRig();
    await rig.append(2);
    await rig.anchor();
    rig.witnesses[0].lie = "down";
    expect(await audit(rig, true)).toMatchObject({ verdict: "unverifiable", unreachable: ["witness:w1"] });
    expect((await audit({ ...rig, policy: { ...rig.policy, quorum: 1 } }, true)).verdict).toBe("intact");
    expect((await audit(rig, false)).verdict).toBe("intact");
  });

  test("does not take a head that moved on meanwhile for a rollback", async () => {
    await using rig = await anchorRig();
    await rig.append(2);
    const before = await auditLedger(rig.paths, forever, rig.policy);
    await rig.append(5);
    await rig.anchor();
    const says = await askWitnesses(rig.paths, rig.policy, before.found, fetch, 5000, forever);
    expect(withWitnesses(before, says, 2)).toMatchObject({ verdict: "intact", covers: [{}, {}].map(() => expect.objectContaining({ size: 2 })) });
  });

  test.for<[string, (db: Database.Database) => void, string, string]>([
    ["a changed bit in a cosignature", (db) => flip(db, "witness:w1", 20), "altered", "anchor-altered"],
    ["a changed bit in a timestamp", (db) => flip(db, "rfc3161:rsa", 2000), "altered", "anchor-altered"],
    ["a proof under another size", (db) => db.exec("UPDATE anchor SET size=1 WHERE kind='witness:w1'"), "altered", "anchor-altered"],
    [
      "a proof of one witness under the name of the other",
      (db) => db.exec("UPDATE anchor SET kind='witness:w2' WHERE kind='witness:w1'"),
      "altered",
      "anchor-altered",
    ],
    ["a proof that was taken out", (db) => db.exec("DELETE FROM anchor WHERE id=2"), "altered", "anchor-altered"],
  ])("finds %s", async ([, damage, verdict, kind]) => {
    await using rig = await anchorRig();
    await rig.append(3);
    await rig.anchor();
    const db = new Database(rig.paths.ledger);
    const triggers = db.prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type='trigger' AND tbl_name='anchor'").all();
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    damage(db);
    for (const { sql } of triggers) db.exec(sql);
    db.close();
    const found = await audit(rig, false);
    expect(found.problems.map((p) => p.kind)).toContain(kind);
    expect(found.verdict).toBe(verdict);
  });

  test("checks no proof of an anchor that the configuration does not name, and says so", async () => {
    await using rig = await anchorRig();
    await rig.append(3);
    await rig.anchor();
    const found = await auditLedger(rig.paths, forever, noAnchors);
    expect(found).toMatchObject({ verdict: "intact", assurance: "self", anchors: [] });
    expect(found.problems.map(({ kind }) => kind)).toEqual(Array(4).fill("anchor-unchecked"));
    expect([...keptAnchors(rig.paths)]).toEqual(ALL.map((name) => [name, 3]));
  });
});

function flip(db: Database.Database, kind: string, fromEnd: number): void {
  const row = db.prepare<[string], { id: number; bytes: Buffer }>("SELECT id, bytes FROM anchor WHERE kind=?").get(kind);
  if (row === undefined) throw new TypeError("no such proof");
  row.bytes.writeUInt8(row.bytes.readUInt8(row.bytes.length - fromEnd) ^ 0x01, row.bytes.length - fromEnd);
  db.prepare("UPDATE anchor SET bytes=? WHERE id=?").run(row.bytes, row.id);
}
