import Database from "better-sqlite3";
import { HoldfastError } from "../core/error.ts";

/** work.db: what is in flight. It may be lost without losing evidence or acts; the ledger says what happened. */
const schema = `
CREATE TABLE IF NOT EXISTS collection(
  id TEXT PRIMARY KEY, target TEXT NOT NULL, ord TEXT NOT NULL, state TEXT NOT NULL, cancel INTEGER NOT NULL DEFAULT 0,
  lease INTEGER NOT NULL DEFAULT 0, owner TEXT, beat INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS step(
  collection TEXT NOT NULL REFERENCES collection(id), id TEXT NOT NULL, position INTEGER NOT NULL, exhibit TEXT, state TEXT NOT NULL DEFAULT 'waiting',
  done INTEGER NOT NULL DEFAULT 0, total INTEGER, tries INTEGER NOT NULL DEFAULT 0, result TEXT, identity TEXT, memory TEXT, PRIMARY KEY(collection, id)) STRICT;
CREATE TABLE IF NOT EXISTS put(
  collection TEXT NOT NULL, step TEXT NOT NULL, exhibit TEXT NOT NULL, token TEXT NOT NULL, part_size INTEGER NOT NULL,
  completing INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(collection, exhibit)) STRICT;
CREATE TABLE IF NOT EXISTS part(
  collection TEXT NOT NULL, exhibit TEXT NOT NULL, number INTEGER NOT NULL, note TEXT NOT NULL,
  PRIMARY KEY(collection, exhibit, number)) STRICT, WITHOUT ROWID;
`;

export function openWorkDatabase(path: string): Database.Database {
  try {
    const db = new Database(path, { timeout: 30_000 });
    db.pragma("journal_mode = WAL");
    // A reopened WAL database comes up with NORMAL, which can lose an acknowledged journal row at power loss.
    db.pragma("synchronous = FULL");
    if (db.pragma("synchronous", { simple: true }) !== 2)
      throw new HoldfastError("ledger", `${path}: SQLite does not keep synchronous=FULL; the journal would not be durable`);
    db.pragma("foreign_keys = ON");
    db.exec(schema);
    // A work.db of the first release: its steps have no memory.
    if (!db.prepare("SELECT 1 FROM pragma_table_info('step') WHERE name='memory'").get()) db.exec("ALTER TABLE step ADD COLUMN memory TEXT");
    return db;
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError("ledger", `${path}: the work journal cannot be opened; check rights and free space`, error);
  }
}
