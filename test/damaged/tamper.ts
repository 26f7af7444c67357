import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";
import { signCheckpointNow } from "../../src/ledger/format/checkpoint.ts";
import { logId } from "../../src/ledger/store/head.ts";
import { encodeLeaf, type EncodedLeaf } from "../../src/ledger/format/leaf.ts";
import { readLogKeys, readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { emptyTree, grow, type Hash, leafHash, rootOf, type Tile } from "../../src/ledger/format/merkle.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import { ledgerSchema } from "../../src/ledger/store/schema.ts";
import { storeOf } from "../../src/ledger/store/store.ts";

/** Changes ledger.db as someone who holds the file would: the guards off, and back in their place afterwards. */
export function tamper(paths: LedgerPaths, change: (db: Database.Database) => void): void {
  const db = new Database(paths.ledger);
  try {
    const triggers = ledgerSchema.filter((sql) => sql.startsWith("CREATE TRIGGER"));
    for (const sql of triggers) db.exec(`DROP TRIGGER IF EXISTS ${sql.split(" ")[2]}`);
    change(db);
    for (const sql of triggers) db.exec(sql);
  } finally {
    db.close();
  }
}

export function size(db: Database.Database): number {
  return Number(db.prepare("SELECT coalesce(max(idx)+1,0) FROM entry").pluck().get());
}

export function leafAt(db: Database.Database, idx: number): Buffer {
  const leaf: unknown = db.prepare("SELECT leaf FROM entry WHERE idx=?").pluck().get(idx);
  if (!Buffer.isBuffer(leaf)) throw new Error(`no entry ${idx}`);
  return leaf;
}

/** Puts a head in place that the log's own keys sign. */
export function signHead(paths: LedgerPaths, treeSize: number, root: Hash): void {
  const keys = readLogKeys(paths.keys);
  writeHead(paths, Buffer.from(signCheckpointNow({ origin: keys.origin, size: treeSize, root }, keys.signing, 1_767_225_600)));
}

export function writeHead(paths: LedgerPaths, body: Buffer): void {
  const db = new Database(paths.head);
  try {
    const { changes } = db.prepare("UPDATE checkpoints SET body=? WHERE logID=?").run(body, logId(readVkeys(paths.keys).origin));
    if (changes !== 1) throw new Error("no head to replace");
  } finally {
    db.close();
  }
}

export function readHead(paths: LedgerPaths): Buffer {
  const db = new Database(paths.head);
  try {
    const body: unknown = db.prepare("SELECT body FROM checkpoints").pluck().get();
    if (!Buffer.isBuffer(body)) throw new Error("no head");
    return body;
  } finally {
    db.close();
  }
}

/** What a dishonest holder of the keys can do: an act of any content, properly hashed, indexed and signed for. */
export function forge(paths: LedgerPaths, leaf: EncodedLeaf, predicate: Predicate): void {
  const tree = emptyTree();
  const full: Tile[] = [];
  const db = new Database(paths.ledger);
  try {
    const at = size(db);
    for (let idx = 0; idx < at; idx += 1) grow(tree, leafHash(leafAt(db, idx)), full);
    const had = full.length;
    const store = storeOf(db);
    store.insert(at, leaf, predicate);
    store.flush();
    grow(tree, leaf.hash, full);
    for (const tile of full.slice(had)) store.insertTile(tile);
  } finally {
    db.close();
  }
  signHead(paths, tree.size, rootOf(tree));
}

export function encode(paths: LedgerPaths, predicate: Predicate): EncodedLeaf {
  return encodeLeaf(readVkeys(paths.keys).origin, predicate, randomBytes(16));
}
