import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { readHead, writeHead } from "../damaged/tamper.ts";
import { type Edit, flipped } from "./edit.ts";
import type { CampaignHome } from "./homes.ts";
import type { Seeded } from "./seeded.ts";
import { walFrames } from "./wal-frames.ts";

/** Bytes of the files themselves, head and proofs of anchors. */
export const fileEdits: readonly Edit[] = [
  {
    name: "a byte of a leaf in the file",
    needs: { wal: false },
    verdicts: ["altered"],
    kinds: ["leaf-altered", "schema"],
    make: (home, random) => {
      const idx = random.int(home.size);
      return () => {
        const db = new Database(home.paths.ledger);
        const nonce = db.prepare<[number], Buffer>("SELECT substr(leaf,11,22) FROM entry WHERE idx=?").pluck().get(idx) ?? Buffer.alloc(22);
        db.close(); // with its WAL taken in: what is changed below is what is read later
        const file = readFileSync(home.paths.ledger);
        const [at, bit] = [random.int(20), 1 + random.int(255)];
        // SQLite may have left an old copy of the page behind: the byte is changed wherever it stands.
        for (let from = file.indexOf(nonce); from >= 0; from = file.indexOf(nonce, from + 1)) file[from + at] = (file[from + at] ?? 0) ^ bit;
        writeFileSync(home.paths.ledger, file);
      };
    },
  },
  {
    name: "a page of ledger.db emptied",
    needs: { wal: false },
    verdicts: ["altered", "rollback"],
    // The proof of an anchor fills pages of its own: where one of them is hit, that it no longer holds is the right name.
    kinds: ["schema", "leaf-altered", "entry-missing", "rollback", "anchor-altered"],
    make: (home, random) => () => {
      const file = readFileSync(home.paths.ledger);
      const bytes = file.readUInt16BE(16); // of a page (sqlite.org/fileformat.html#the_database_header)
      const page = random.int(file.length / bytes);
      file.fill(0, page * bytes, (page + 1) * bytes);
      writeFileSync(home.paths.ledger, file);
    },
  },
  {
    name: "ledger.db cut off",
    needs: { wal: false },
    verdicts: ["altered", "rollback"],
    kinds: ["schema", "entry-missing", "rollback"],
    make: (home, random) => () => truncateSync(home.paths.ledger, random.int(readFileSync(home.paths.ledger).length - 1)),
  },
  { name: "ledger.db removed", verdicts: ["rollback"], kinds: ["entry-missing"], make: (home) => () => removeFiles(home.paths.ledger) },
  { name: "head.db removed", verdicts: ["unverifiable"], kinds: ["head-missing"], make: (home) => () => removeFiles(home.paths.head) },
  {
    name: "head.db cut off",
    needs: { wal: false },
    verdicts: ["altered"],
    kinds: ["checkpoint-altered"],
    make: (home, random) => () => truncateSync(home.paths.head, random.int(readFileSync(home.paths.head).length - 1)),
  },
  {
    name: "a byte of the signed head",
    verdicts: ["altered"],
    kinds: ["signature"],
    make: (home, random) => () => writeHead(home.paths, flipped(readHead(home.paths), random)),
  },
  {
    name: "the head under another log's name",
    verdicts: ["altered"],
    kinds: ["checkpoint-altered"],
    make: (home, random) => () => {
      const db = new Database(home.paths.head);
      db.prepare("UPDATE checkpoints SET logID=?").run(random.bytes(32));
      db.close();
    },
  },
  {
    name: "a byte of ledger.db's WAL",
    needs: { wal: true },
    verdicts: ["rollback"],
    kinds: ["rollback"],
    make: (home, random) => changedWal(home, `${home.paths.ledger}-wal`, 1, random),
  },
  {
    // The last commit of head.db may be missing after any crash, and the ledger goes on from there: so two are cut off.
    name: "a byte of head.db's WAL",
    needs: { acts: 3, wal: true },
    verdicts: ["rollback"],
    kinds: ["rollback"],
    make: (home, random) => changedWal(home, `${home.paths.head}-wal`, 2, random),
  },
  {
    name: "ledger.db's WAL removed",
    needs: { wal: true },
    verdicts: ["rollback"],
    kinds: ["rollback"],
    make: (home) => (home.wal ? () => rmSync(`${home.paths.ledger}-wal`) : null),
  },
  {
    name: "head.db's WAL removed",
    needs: { acts: 3, wal: true },
    verdicts: ["rollback"],
    kinds: ["rollback"],
    make: (home) => (home.wal ? () => rmSync(`${home.paths.head}-wal`) : null),
  },
  {
    name: "a byte of an anchor's proof",
    needs: { anchors: true },
    verdicts: ["altered"],
    kinds: ["anchor-altered"],
    make: (home, random) => () =>
      inAnchors(home, (db) => {
        const row = random.pick(db.prepare<[], { id: number; bytes: Buffer }>("SELECT id, bytes FROM anchor").all());
        db.prepare("UPDATE anchor SET bytes=? WHERE id=?").run(flipped(row.bytes, random), row.id);
      }),
  },
  {
    name: "an anchor's proof taken out",
    needs: { anchors: true },
    verdicts: ["altered"],
    kinds: ["anchor-altered"],
    make: (home) => () => inAnchors(home, (db) => db.exec("DELETE FROM anchor WHERE id=1")),
  },
  {
    name: "an anchor's proof under a larger size",
    needs: { anchors: true },
    verdicts: ["altered", "rollback"],
    kinds: ["anchor-altered", "rollback"],
    make: (home) => () => inAnchors(home, (db) => db.exec("UPDATE anchor SET size=size+1 WHERE id=1")),
  },
];

/** Changes one byte of a frame (or the header) so that at least `commits` commits are lost with what follows it. */
function changedWal(home: CampaignHome, file: string, commits: number, random: Seeded): (() => void) | null {
  if (!home.wal || !existsSync(file)) return null;
  const bytes = readFileSync(file);
  const ends = walFrames(bytes);
  const end = ends.at(-commits);
  return end === undefined ? null : () => writeFileSync(file, flipped(bytes, random, 0, end));
}

function removeFiles(file: string): void {
  for (const part of ["", "-wal", "-shm"]) rmSync(`${file}${part}`, { force: true });
}

function inAnchors(home: CampaignHome, change: (db: Database.Database) => void): void {
  const db = new Database(home.paths.ledger);
  const guards = db.prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type='trigger' AND tbl_name='anchor'").all();
  for (const { name } of guards) db.exec(`DROP TRIGGER ${name}`);
  change(db);
  for (const { sql } of guards) db.exec(sql);
  db.close();
}
