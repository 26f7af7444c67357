import Database from "better-sqlite3";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import { leafAt, size, tamper } from "../damaged/tamper.ts";
import { type Edit, flipped } from "./edit.ts";
import type { CampaignHome } from "./homes.ts";
import type { Seeded } from "./seeded.ts";

/** What somebody does who opens ledger.db with SQLite and takes the guards off and puts them on again. */
export const rowEdits: readonly Edit[] = [
  {
    name: "a byte of a leaf",
    verdicts: ["altered"],
    kinds: ["leaf-altered"],
    make: (home, random) => inRow(home, random, (db, idx) => db.prepare("UPDATE entry SET leaf=? WHERE idx=?").run(flipped(leafAt(db, idx), random), idx)),
  },
  {
    name: "a byte of a leaf, its hash put right",
    verdicts: ["altered"],
    kinds: ["root-differs"],
    make: (home, random) =>
      inRow(home, random, (db, idx) => {
        const leaf = flipped(leafAt(db, idx), random);
        db.prepare("UPDATE entry SET leaf=?, leaf_hash=? WHERE idx=?").run(leaf, leafHash(leaf), idx);
      }),
  },
  {
    name: "a byte of a leaf's hash",
    verdicts: ["altered"],
    kinds: ["leaf-hash"],
    make: (home, random) =>
      inRow(home, random, (db, idx) => db.prepare("UPDATE entry SET leaf_hash=? WHERE idx=?").run(flipped(leafHash(leafAt(db, idx)), random), idx)),
  },
  {
    name: "two leaves exchanged, hashes too",
    needs: { acts: 2 },
    verdicts: ["altered"],
    kinds: ["root-differs"],
    make: (home, random) => {
      const first = random.int(home.size - 1);
      const second = first + 1 + random.int(home.size - first - 1);
      return () =>
        tamper(home.paths, (db) => {
          const [a, b] = [leafAt(db, first), leafAt(db, second)];
          const set = db.prepare("UPDATE entry SET leaf=?, leaf_hash=? WHERE idx=?");
          set.run(b, leafHash(b), first);
          set.run(a, leafHash(a), second);
        });
    },
  },
  {
    name: "a row deleted from the middle",
    needs: { acts: 2 },
    verdicts: ["altered"],
    kinds: ["entry-missing"],
    make: (home, random) => inRow(home, random, (db, idx) => db.prepare("DELETE FROM entry WHERE idx=?").run(idx), home.size - 1),
  },
  {
    name: "rows deleted from the end, with their traces",
    verdicts: ["rollback"],
    kinds: ["rollback"],
    make: (home, random) => {
      const left = random.int(home.size);
      return () =>
        tamper(home.paths, (db) => {
          for (const table of ["entry", "act", "opened", "exhibit"]) db.prepare(`DELETE FROM ${table} WHERE idx>=?`).run(left);
          db.prepare("DELETE FROM lease WHERE collection NOT IN (SELECT collection FROM act WHERE collection IS NOT NULL)").run();
          db.prepare("DELETE FROM checkpoint WHERE size>?").run(left);
          db.prepare("DELETE FROM anchor WHERE size>?").run(left);
          db.prepare("DELETE FROM tile WHERE (n+1) * CASE level WHEN 0 THEN 256 ELSE 65536 END > ?").run(left);
        });
    },
  },
  {
    name: "a row put after the last that is no act",
    verdicts: ["altered"],
    kinds: ["leaf-form"],
    make: (home, random) => () =>
      tamper(home.paths, (db) => {
        const leaf = Buffer.concat([leafAt(db, random.int(home.size)), Buffer.from(" ")]);
        db.prepare("INSERT INTO entry VALUES(?,?,?)").run(size(db), leaf, leafHash(leaf));
      }),
  },
  {
    name: "a byte of a tile",
    needs: { acts: 256 },
    verdicts: ["altered"],
    kinds: ["tile-altered"],
    make: (home, random) => () =>
      tamper(
        home.paths,
        (db) => void db.prepare("UPDATE tile SET data=? WHERE level=0 AND n=?").run(random.bytes(8192), random.int(Math.floor(home.size / 256))),
      ),
  },
  {
    name: "a tile deleted",
    needs: { acts: 256 },
    verdicts: ["altered"],
    kinds: ["tile-altered"],
    make: (home, random) => () =>
      tamper(home.paths, (db) => void db.prepare("DELETE FROM tile WHERE level=0 AND n=?").run(random.int(Math.floor(home.size / 256)))),
  },
  {
    name: "a byte of a kept note",
    verdicts: ["altered"],
    kinds: ["checkpoint-altered"],
    make: (home, random) => () =>
      tamper(home.paths, (db) => {
        const row = random.pick(db.prepare<[], { size: number; note: Buffer }>("SELECT size, note FROM checkpoint").all());
        db.prepare("UPDATE checkpoint SET note=? WHERE size=?").run(flipped(row.note, random), row.size);
      }),
  },
  {
    name: "a kept note under another size",
    needs: { acts: 20 },
    verdicts: ["altered"],
    kinds: ["checkpoint-altered"],
    make: (home) =>
      home.commits.length < 2 || home.commits.includes(1)
        ? null
        : () => tamper(home.paths, (db) => void db.prepare("UPDATE checkpoint SET size=1 WHERE size=0").run()),
  },
  {
    name: "an act under another case in the index",
    verdicts: ["altered"],
    kinds: ["index-altered"],
    make: (home, random) => inRow(home, random, (db, idx) => db.prepare("UPDATE act SET case_id='ANOTHER' WHERE idx=?").run(idx)),
  },
  {
    name: "an act left out of the index",
    verdicts: ["altered"],
    kinds: ["index-altered"],
    make: (home, random) => inRow(home, random, (db, idx) => db.prepare("DELETE FROM act WHERE idx=?").run(idx)),
  },
  {
    name: "an exhibit's act left out of the index",
    needs: { acts: 40 },
    verdicts: ["altered"],
    kinds: ["index-altered"],
    make: (home) => ifThere(home, "exhibit", "DELETE FROM exhibit WHERE rowid_of_it"),
  },
  {
    name: "a lease lowered",
    needs: { acts: 40 },
    verdicts: ["altered"],
    kinds: ["index-altered"],
    make: (home) => ifThere(home, "lease", "UPDATE lease SET high=0 WHERE collection=(SELECT max(collection) FROM lease)"),
  },
  {
    name: "a guard taken off",
    verdicts: ["altered"],
    kinds: ["schema"],
    make: (home, random) => {
      const name = random.pick(["entry_upd", "entry_del", "entry_ins", "tile_upd", "checkpoint_del", "anchor_upd"]);
      return () => plainly(home, `DROP TRIGGER ${name}`);
    },
  },
];

function inRow(home: CampaignHome, random: Seeded, change: (db: Database.Database, idx: number) => unknown, below: number = home.size): () => void {
  const idx = random.int(below);
  return () => tamper(home.paths, (db) => void change(db, idx));
}

function ifThere(home: CampaignHome, table: "exhibit" | "lease", sql: string): (() => void) | null {
  const db = new Database(home.paths.ledger, { readonly: true });
  const there = Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  db.close();
  return there === 0 ? null : () => plainly(home, sql.replace("rowid_of_it", "idx=(SELECT max(idx) FROM exhibit)"));
}

function plainly(home: CampaignHome, sql: string): void {
  const db = new Database(home.paths.ledger);
  db.exec(sql);
  db.close();
}
