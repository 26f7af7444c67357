import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { openForWriting, sqliteIsSafe } from "../../src/ledger/store/database.ts";
import { HEAD_APPLICATION_ID, LEDGER_APPLICATION_ID } from "../../src/ledger/store/schema.ts";
import { notes, open, tempHome } from "./support.ts";

const blob = Buffer.alloc(32, 1);

describe("the ledger's tables", () => {
  test.for([
    ["an omitted index", "INSERT INTO entry(leaf,leaf_hash) VALUES(?,?)", [blob, blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["a NULL index", "INSERT INTO entry VALUES(NULL,?,?)", [blob, blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["an index that is not the next", "INSERT INTO entry VALUES(7,?,?)", [blob, blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["INSERT OR REPLACE", "INSERT OR REPLACE INTO entry VALUES(0,?,?)", [blob, blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["ON CONFLICT DO UPDATE", "INSERT INTO entry VALUES(0,?,?) ON CONFLICT DO UPDATE SET leaf=excluded.leaf", [blob, blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["INSERT OR IGNORE of an old index", "INSERT OR IGNORE INTO entry VALUES(0,?,?)", [blob, blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["UPDATE", "UPDATE entry SET leaf=? WHERE idx=0", [blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["DELETE", "DELETE FROM entry WHERE idx=1", [], "SQLITE_CONSTRAINT_TRIGGER"],
    ["text for a leaf", "INSERT INTO entry VALUES(2,'text',?)", [blob], "SQLITE_CONSTRAINT_DATATYPE"],
    ["an empty leaf", "INSERT INTO entry VALUES(2,?,?)", [Buffer.alloc(0), blob], "SQLITE_CONSTRAINT_CHECK"],
    ["a leaf of 65536 bytes", "INSERT INTO entry VALUES(2,?,?)", [Buffer.alloc(65_536), blob], "SQLITE_CONSTRAINT_CHECK"],
    ["a short hash", "INSERT INTO entry VALUES(2,?,?)", [blob, Buffer.alloc(31)], "SQLITE_CONSTRAINT_CHECK"],
    ["another note for a size", "INSERT INTO checkpoint VALUES(0,?)", [blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["a replaced note", "INSERT OR REPLACE INTO checkpoint VALUES(0,?)", [blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["an altered note", "UPDATE checkpoint SET note=?", [blob], "SQLITE_CONSTRAINT_TRIGGER"],
    ["a deleted note", "DELETE FROM checkpoint", [], "SQLITE_CONSTRAINT_TRIGGER"],
    ["a tile out of turn", "INSERT INTO tile VALUES(0,1,?)", [Buffer.alloc(8192)], "SQLITE_CONSTRAINT_TRIGGER"],
    ["a tile of another width", "INSERT INTO tile VALUES(0,0,?)", [blob], "SQLITE_CONSTRAINT_CHECK"],
  ] as const)("refuse %s", async ([, sql, values, code]) => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(2));
    await recorder.close();
    // A plain connection, as anyone with the sqlite3 shell would have: recursive_triggers is off.
    const db = new Database(home.paths.ledger);
    try {
      expect(() => db.prepare(sql).run(...values)).toThrow(expect.objectContaining({ code }));
      expect(db.prepare("SELECT count(*) FROM entry").pluck().get()).toBe(2);
    } finally {
      db.close();
    }
  });

  test("an anchor is added under the next id and never changed", () => {
    using home = tempHome();
    const db = openForWriting(home.paths.ledger, LEDGER_APPLICATION_ID);
    db.prepare("INSERT INTO anchor(size,kind,bytes) VALUES(1,'worm',?)").run(blob);
    db.prepare("INSERT INTO anchor(size,kind,bytes) VALUES(1,'worm',?)").run(blob);
    expect(db.prepare("SELECT id FROM anchor").pluck().all()).toEqual([1, 2]);
    for (const sql of ["INSERT OR REPLACE INTO anchor VALUES(1,1,'worm',x'00')", "UPDATE anchor SET size=2", "DELETE FROM anchor"])
      expect(() => db.exec(sql)).toThrow(/append-only/);
    db.close();
  });
});

describe("a connection for writing", () => {
  test.for([
    ["ledger", LEDGER_APPLICATION_ID],
    ["head", HEAD_APPLICATION_ID],
  ] as const)("to a reopened %s.db reads back synchronous=FULL in WAL, which is not SQLite's default", ([file, id]) => {
    using home = tempHome();
    openForWriting(home.paths[file], id).close();
    const first = openForWriting(home.paths[file], id);
    const second = openForWriting(home.paths[file], id);
    for (const db of [first, second]) {
      const read = (name: string): unknown => db.pragma(name, { simple: true });
      expect([read("journal_mode"), read("synchronous"), read("fullfsync"), read("checkpoint_fullfsync")]).toEqual(["wal", 2, 1, 1]);
      expect([read("recursive_triggers"), read("trusted_schema"), read("cell_size_check"), read("foreign_keys")]).toEqual([1, 0, 1, 1]);
    }
    const plain = new Database(home.paths[file]);
    expect(plain.pragma("synchronous", { simple: true })).toBe(1);
    for (const db of [first, second, plain]) db.close();
  });

  test("to a database of something else, or of another version, is refused", () => {
    using home = tempHome();
    expect(() => openForWriting(home.paths.ledger, HEAD_APPLICATION_ID)).toThrow(/not a file of a Holdfast ledger/);
    const db = new Database(home.paths.ledger);
    db.pragma("user_version=2");
    db.close();
    expect(() => openForWriting(home.paths.ledger, LEDGER_APPLICATION_ID)).toThrow(/version 2/);
  });
});

test.for([
  ["3.7.0", false],
  ["3.44.5", false],
  ["3.44.6", true],
  ["3.45.0", false],
  ["3.50.6", false],
  ["3.50.7", true],
  ["3.51.2", false],
  ["3.51.3", true],
  ["3.54.1", true],
  ["4.0.0", true],
] as const)("SQLite %s may keep a ledger: %s", ([version, safe]) => {
  expect(sqliteIsSafe(version)).toBe(safe);
});
