import { randomBytes } from "node:crypto";
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import type { ActDraft } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import type { LedgerProblem, LedgerVerdict } from "../../src/core/verdict.ts";
import { decodeLeaf, type EncodedLeaf } from "../../src/ledger/format/leaf.ts";
import { makeLogKeys, readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import { openRecorder } from "../../src/ledger/write/writer.ts";
import { encode, forge, leafAt, readHead, signHead, size, tamper, writeHead } from "./tamper.ts";

/**
 * Each way in which a ledger can be damaged, made by code from a whole one of at least three entries, and what the audit has to
 * say. Stop every writer first. `kind` is one of the problems named; there may be others that follow from it.
 */
export type Damage = {
  readonly name: string;
  readonly verdict: LedgerVerdict;
  readonly kind: LedgerProblem["kind"];
  readonly damage: (paths: LedgerPaths) => Promise<void> | void;
};

export const damages: readonly Damage[] = [
  {
    name: "edited leaf",
    verdict: "altered",
    kind: "leaf-altered",
    damage: (paths) =>
      tamper(paths, (db) => {
        const leaf = Buffer.from(leafAt(db, 1));
        leaf[14] = leaf[14] === 0x41 ? 0x42 : 0x41; // a character of the nonce: still JSON, still canonical
        db.prepare("UPDATE entry SET leaf=? WHERE idx=1").run(leaf);
      }),
  },
  {
    name: "edited leaf with its hash put right",
    verdict: "altered",
    kind: "root-differs",
    damage: (paths) =>
      tamper(paths, (db) => {
        replace(db, 1, encode(paths, { ...predicateAt(paths, db, 1), reason: "another reason" }));
      }),
  },
  {
    name: "swapped rows",
    verdict: "altered",
    kind: "root-differs",
    damage: (paths) =>
      tamper(paths, (db) => {
        const [one, two] = [leafAt(db, 1), leafAt(db, 2)];
        replace(db, 1, { bytes: two, hash: leafHash(two) });
        replace(db, 2, { bytes: one, hash: leafHash(one) });
      }),
  },
  {
    name: "replaced row",
    verdict: "altered",
    kind: "root-differs",
    damage: (paths) =>
      tamper(paths, (db) => {
        const { act: _, ...rest } = predicateAt(paths, db, 1);
        replace(db, 1, encode(paths, { ...rest, act: "note", case: null, collection: null, exhibits: [], digests: {}, lease: null, once: null }));
      }),
  },
  {
    name: "deleted tail",
    verdict: "rollback",
    kind: "rollback",
    damage: (paths) => tamper(paths, (db) => void db.prepare("DELETE FROM entry WHERE idx>=?").run(size(db) - 1)),
  },
  {
    name: "deleted tail without traces",
    verdict: "rollback",
    kind: "rollback",
    damage: (paths) =>
      tamper(paths, (db) => {
        const left = size(db) - 1;
        for (const table of ["entry", "act", "opened", "exhibit"]) db.prepare(`DELETE FROM ${table} WHERE idx>=?`).run(left);
        db.prepare("DELETE FROM checkpoint WHERE size>?").run(left);
      }),
  },
  {
    name: "deleted row in the middle",
    verdict: "altered",
    kind: "entry-missing",
    damage: (paths) => tamper(paths, (db) => void db.prepare("DELETE FROM entry WHERE idx=1").run()),
  },
  {
    name: "older copy of ledger.db",
    verdict: "rollback",
    kind: "rollback",
    damage: async (paths) => {
      copyFileSync(paths.ledger, `${paths.ledger}.old`);
      await append(paths, [note("one more"), note("and one more")]);
      restore(paths.ledger);
    },
  },
  {
    name: "older copy of head.db",
    verdict: "rollback",
    kind: "rollback",
    damage: async (paths) => {
      copyFileSync(paths.head, `${paths.head}.old`);
      await append(paths, [note("one more")]);
      await append(paths, [note("and one more")]);
      restore(paths.head);
    },
  },
  { name: "forked copy", verdict: "fork", kind: "fork", damage: (paths) => forkedCopy(paths, 1) },
  { name: "forked copy that is longer", verdict: "fork", kind: "fork", damage: (paths) => forkedCopy(paths, 3) },
  {
    name: "wrong key",
    verdict: "altered",
    kind: "signature",
    damage: (paths) => {
      const { origin } = readVkeys(paths.keys);
      rmSync(paths.keys, { recursive: true });
      makeLogKeys(paths.keys, origin, randomBytes);
    },
  },
  { name: "head ahead", verdict: "rollback", kind: "rollback", damage: (paths) => signHead(paths, sizeOf(paths) + 5, randomBytes(32)) },
  { name: "head of another tree", verdict: "fork", kind: "fork", damage: (paths) => signHead(paths, sizeOf(paths), randomBytes(32)) },
  {
    name: "head altered",
    verdict: "altered",
    kind: "signature",
    damage: (paths) =>
      writeHead(
        paths,
        Buffer.from(
          readHead(paths)
            .toString("utf8")
            .replace(/\n\d+\n/, "\n1\n"),
        ),
      ),
  },
  {
    name: "head without its ML-DSA signature",
    verdict: "altered",
    kind: "signature",
    damage: (paths) => {
      const lines = readHead(paths).toString("utf8").split("\n");
      writeHead(paths, Buffer.from([...lines.slice(0, -2), ""].join("\n")));
    },
  },
  { name: "head.db deleted", verdict: "unverifiable", kind: "head-missing", damage: (paths) => removeDatabase(paths.head) },
  {
    name: "head.db overwritten",
    verdict: "altered",
    kind: "checkpoint-altered",
    damage: (paths) => {
      removeDatabase(paths.head);
      writeFileSync(paths.head, "not a database, and long enough to be looked at as one ".repeat(100));
    },
  },
  { name: "ledger.db deleted", verdict: "rollback", kind: "entry-missing", damage: (paths) => removeDatabase(paths.ledger) },
  {
    name: "ledger.db cut short",
    verdict: "altered",
    kind: "schema",
    damage: (paths) => {
      tamper(paths, () => undefined);
      truncateSync(paths.ledger, 3 * 4096);
    },
  },
  {
    name: "one byte of the file changed",
    verdict: "altered",
    kind: "leaf-altered",
    damage: (paths) => {
      const wanted = { nonce: "" };
      tamper(paths, (db) => {
        wanted.nonce = leafAt(db, 1).toString("utf8").slice(10, 32);
      });
      const file = readFileSync(paths.ledger);
      // SQLite may have left an old copy of the page behind: the byte is changed wherever it stands.
      for (let at = file.indexOf(wanted.nonce); at >= 0; at = file.indexOf(wanted.nonce, at + 1)) file[at + 4] = file[at + 4] === 0x41 ? 0x42 : 0x41;
      writeFileSync(paths.ledger, file);
    },
  },
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

/** Two histories from one point, each signed by the log's own keys; the head of one with the ledger of the other. */
async function forkedCopy(paths: LedgerPaths, otherActs: number): Promise<void> {
  for (const file of [paths.ledger, paths.head]) copyFileSync(file, `${file}.old`);
  await append(paths, [note("what happened")]);
  copyFileSync(paths.head, `${paths.head}.kept`);
  restore(paths.ledger);
  restore(paths.head);
  for (let i = 0; i < otherActs; i += 1) await append(paths, [note(`what did not happen ${i}`)]);
  removeDatabase(paths.head);
  copyFileSync(`${paths.head}.kept`, paths.head);
}

export async function append(paths: LedgerPaths, drafts: readonly ActDraft[]): Promise<void> {
  const recorder = await openRecorder({
    paths,
    origin: readVkeys(paths.keys).origin,
    clock: () => new Date(),
    random: randomBytes,
    clockQuality: { offsetMs: null, uncertaintyMs: null, source: "system clock" },
    tool: { name: "damage", version: "0", sha256: parseSha256("0".repeat(64)) },
  });
  await recorder.append(drafts);
  await recorder.close();
}

function note(reason: string): ActDraft {
  return actDraft("note", { id: "someone", kind: "person", proof: "asserted" }, { reason });
}

function blank(paths: LedgerPaths): Predicate {
  const predicate = { now: null as Predicate | null };
  tamper(paths, (db) => {
    predicate.now = predicateAt(paths, db, 0);
  });
  if (predicate.now === null) throw new Error("the ledger is empty");
  return { ...predicate.now, act: "note", case: null, collection: null, exhibits: [], digests: {}, lease: null, once: null, detail: {} };
}

function predicateAt(paths: LedgerPaths, db: Database.Database, idx: number): Predicate {
  const { seq: _, leafHash: __, exhibits, ...rest } = decodeLeaf(idx, leafAt(db, idx), readVkeys(paths.keys).origin);
  return { ...rest, exhibits: exhibits.map((e) => ({ id: e.id, exhibit_seq: e.seq, exhibit_prev: parseSha256(e.prev) })) };
}

function replace(db: Database.Database, idx: number, leaf: EncodedLeaf): void {
  db.prepare("UPDATE entry SET leaf=?, leaf_hash=? WHERE idx=?").run(leaf.bytes, leaf.hash, idx);
}

function plain(paths: LedgerPaths, sql: string): void {
  const db = new Database(paths.ledger);
  db.exec(sql);
  db.close();
}

function sizeOf(paths: LedgerPaths): number {
  const found = { size: 0 };
  tamper(paths, (db) => {
    found.size = size(db);
  });
  return found.size;
}

function restore(file: string): void {
  removeDatabase(file);
  copyFileSync(`${file}.old`, file);
  rmSync(`${file}.old`);
}

function removeDatabase(file: string): void {
  for (const part of ["", "-wal", "-shm"]) rmSync(`${file}${part}`, { force: true });
}
