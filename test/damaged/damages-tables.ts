import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { parseSha256 } from "../../src/core/digest.ts";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import type { Damage } from "./damage.ts";
import { encode, forge, tamper } from "./tamper.ts";
import { append, blank, note, plain } from "./damage-tools.ts";

/** What is derived from the entries, what guards them, and entries that were signed though they are wrong. */
export const tableDamages: readonly Damage[] = [
  {
    name: "altered hash column",
    verdict: "altered",
    kind: "leaf-hash",
    damage: (paths) => tamper(paths, (db) => void db.prepare("UPDATE entry SET leaf_hash=? WHERE idx=1").run(randomBytes(32))),
  },
  {
    name: "altered tile",
    verdict: "altered",
    kind: "tile-altered",
    damage: async (paths) => {
      await append(
        paths,
        Array.from({ length: 256 }, (_, i) => note(`filler ${i}`)),
      );
      tamper(paths, (db) => void db.prepare("UPDATE tile SET data=? WHERE level=0 AND n=0").run(randomBytes(8192)));
    },
  },
  {
    name: "tile that should not be",
    verdict: "altered",
    kind: "tile-altered",
    damage: (paths) => tamper(paths, (db) => void db.prepare("INSERT INTO tile VALUES(3,0,?)").run(randomBytes(8192))),
  },
  {
    name: "index that hides an act",
    verdict: "altered",
    kind: "index-altered",
    damage: (paths) => tamper(paths, (db) => void db.prepare("UPDATE act SET case_id='HIDDEN' WHERE idx=(SELECT max(idx) FROM act)").run()),
  },
  {
    name: "index row deleted",
    verdict: "altered",
    kind: "index-altered",
    damage: (paths) => tamper(paths, (db) => void db.prepare("DELETE FROM act WHERE idx=1").run()),
  },
  {
    name: "index row invented",
    verdict: "altered",
    kind: "index-altered",
    damage: (paths) => tamper(paths, (db) => void db.prepare("INSERT INTO exhibit VALUES('INVENTED',1,0,0)").run()),
  },
  {
    name: "lease high lowered",
    verdict: "altered",
    kind: "index-altered",
    damage: async (paths) => {
      await append(paths, [{ ...note("leased"), collection: "damage-collection", lease: 7 }]);
      tamper(paths, (db) => void db.prepare("UPDATE lease SET high=1 WHERE collection='damage-collection'").run());
    },
  },
  {
    name: "altered kept note",
    verdict: "altered",
    kind: "checkpoint-altered",
    damage: (paths) =>
      tamper(
        paths,
        (db) =>
          void db
            .prepare("UPDATE checkpoint SET note=CAST(replace(CAST(note AS TEXT), char(10)||'0'||char(10), char(10)||'1'||char(10)) AS BLOB) WHERE size=0")
            .run(),
      ),
  },
  {
    name: "index tree that leaves out an act",
    verdict: "altered",
    kind: "schema",
    damage: async (paths) => {
      await append(paths, [{ ...note("to be hidden"), collection: "hidden-collection-0" }]);
      const db = new Database(paths.ledger);
      const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name='act_collection'").pluck().get());
      db.close();
      const file = readFileSync(paths.ledger);
      // The name stands in the table and in the index, each in its own page: only the index is changed.
      for (let at = file.indexOf("hidden-collection-0"); at >= 0; at = file.indexOf("hidden-collection-0", at + 1))
        if (Math.floor(at / file.readUInt16BE(16)) === root - 1) file[at] = 0x48;
      writeFileSync(paths.ledger, file);
    },
  },
  { name: "guard dropped", verdict: "altered", kind: "schema", damage: (paths) => plain(paths, "DROP TRIGGER entry_upd") },
  {
    name: "guard weakened",
    verdict: "altered",
    kind: "schema",
    damage: (paths) => plain(paths, "DROP TRIGGER entry_del; CREATE TRIGGER entry_del BEFORE DELETE ON entry WHEN 0 BEGIN SELECT 1; END"),
  },
  {
    name: "signed act that is not canonical",
    verdict: "altered",
    kind: "leaf-form",
    damage: (paths) => {
      const bytes = Buffer.from(encode(paths, blank(paths)).bytes.toString("utf8").replace(",", ", "));
      forge(paths, { bytes, hash: leafHash(bytes) }, blank(paths));
    },
  },
  {
    name: "signed act with an exhibit number left out",
    verdict: "altered",
    kind: "exhibit-gap",
    damage: (paths) => {
      const predicate: Predicate = { ...blank(paths), case: "GAP", exhibits: [{ id: "GAP/002", exhibit_seq: 0, exhibit_prev: parseSha256("0".repeat(64)) }] };
      forge(paths, encode(paths, predicate), predicate);
    },
  },
  {
    name: "signed act that follows no act",
    verdict: "altered",
    kind: "chain-broken",
    damage: (paths) => {
      const predicate: Predicate = {
        ...blank(paths),
        case: "CHAIN",
        exhibits: [{ id: "CHAIN/001", exhibit_seq: 4, exhibit_prev: parseSha256("ab".repeat(32)) }],
      };
      forge(paths, encode(paths, predicate), predicate);
    },
  },
];
