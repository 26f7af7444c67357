import { closeSync, existsSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import { HoldfastError } from "../../core/error.ts";
import { copyDatabase } from "./copy-database.ts";
import { USER_VERSION } from "./schema.ts";

export type Db = Database.Database;

/**
 * Opens an existing database for writing, sets what every connection must set and reads it back: SQLite's default for every
 * connection but the first is synchronous=NORMAL in WAL mode, which can lose acknowledged commits at power loss.
 * head.db is in WAL mode too: with synchronous=FULL a commit there is one fsync of the log and as durable as DELETE with EXTRA,
 * which needs four.
 */
export function openForWriting(file: string, applicationId: number): Db {
  const db = open(file, { fileMustExist: true, timeout: 5_000 });
  try {
    demandVersion(db, file, applicationId);
    setAndReadBack(db, file, "journal_mode", "WAL", "wal");
    setAndReadBack(db, file, "synchronous", "FULL", 2);
    setAndReadBack(db, file, "fullfsync", "ON", 1);
    setAndReadBack(db, file, "checkpoint_fullfsync", "ON", 1);
    setAndReadBack(db, file, "recursive_triggers", "ON", 1);
    setAndReadBack(db, file, "foreign_keys", "ON", 1);
    setAndReadBack(db, file, "temp_store", "MEMORY", 2); // what a savepoint keeps of its pages is no file under /tmp
    guard(db, file);
    // A WAL that is there now may hold frames whose sync failed, and which the next sync passes over: Linux takes such pages for
    // written. What is moved to the database is written and synced anew. PASSIVE waits for nobody.
    db.pragma("wal_checkpoint(PASSIVE)");
    return db;
  } catch (error) {
    db.close();
    throw asLedgerError(error, `${file} cannot be opened for writing; see that you may write it and its folder`);
  }
}

/** Whatever SQLite threw, as code `ledger`; our own errors as they are. */
export function asLedgerError(error: unknown, what: string): HoldfastError {
  return error instanceof HoldfastError ? error : new HoldfastError("ledger", what, error);
}

export type ReadDb = { readonly db: Db; close(): void };

/**
 * Opens read-only. The caller sees what is committed; a writer may be at work. Where the folder cannot be written, SQLite cannot
 * open a WAL database at all: then a private copy is read (with its WAL, whose commits count) and removed on close.
 */
export function openForReading(file: string, applicationId: number): ReadDb {
  try {
    const db = openReadOnly(file, applicationId);
    return { db, close: () => db.close() };
  } catch (error) {
    // A home without its -wal and -shm files in such a folder is SQLITE_READONLY_…: SQLite may not make them.
    if (!(error instanceof HoldfastError && error.cause instanceof Database.SqliteError && /^SQLITE_(CANTOPEN|READONLY)/.test(error.cause.code))) throw error;
  }
  const copy = copyDatabase(file);
  try {
    const db = openReadOnly(copy.file, applicationId);
    return {
      db,
      close() {
        db.close();
        copy.remove();
      },
    };
  } catch (error) {
    copy.remove();
    throw error;
  }
}

function openReadOnly(file: string, applicationId: number): Db {
  const db = open(file, { fileMustExist: true, readonly: true, timeout: 5_000 });
  try {
    demandVersion(db, file, applicationId);
    setAndReadBack(db, file, "query_only", "ON", 1);
    guard(db, file);
    return db;
  } catch (error) {
    db.close();
    throw asLedgerError(error, `${file} cannot be read`);
  }
}

export function open(file: string, options: Database.Options): Db {
  if (options.fileMustExist === true && !existsSync(file))
    throw new HoldfastError("ledger", `${file} is not there; a ledger that once was is never begun again: restore the file, or check --home`);
  try {
    // 0600 before SQLite makes it: its WAL and journal take the mode over, and acts are nobody else's business.
    if (options.fileMustExist !== true && options.readonly !== true) closeSync(openSync(file, "a", 0o600));
    const db = new Database(file, options);
    demandSqlite(db);
    return db;
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError("ledger", `${file} cannot be opened as a database`, error);
  }
}

function guard(db: Db, file: string): void {
  setAndReadBack(db, file, "trusted_schema", "OFF", 0);
  setAndReadBack(db, file, "cell_size_check", "ON", 1);
}

export function setAndReadBack(db: Db, file: string, name: string, value: string, expected: number | string): void {
  db.pragma(`${name}=${value}`);
  const found: unknown = db.pragma(name, { simple: true });
  if (found !== expected)
    throw new HoldfastError("ledger", `${file}: SQLite answers ${name}=${String(found)} where ${value} was set; this file system cannot keep a ledger`);
}

function demandVersion(db: Db, file: string, applicationId: number): void {
  let found: { readonly id: unknown; readonly version: unknown };
  try {
    found = { id: db.pragma("application_id", { simple: true }), version: db.pragma("user_version", { simple: true }) };
  } catch (error) {
    throw new HoldfastError("ledger", `${file} is not a readable database`, error);
  }
  if (found.id !== applicationId || found.version !== USER_VERSION)
    throw new HoldfastError(
      "ledger",
      `${file} is not a file of a Holdfast ledger of version ${USER_VERSION} (application id ${String(found.id)}, version ${String(found.version)})`,
    );
}

/** SQLite 3.7.0 to 3.51.2 can corrupt a WAL file that two connections write (sqlite.org/wal.html#walresetbug). */
function demandSqlite(db: Db): void {
  const version = String(db.prepare("SELECT sqlite_version()").pluck().get());
  if (!sqliteIsSafe(version)) {
    db.close();
    throw new HoldfastError("ledger", `SQLite ${version} can damage a ledger that two processes write; install the better-sqlite3 that Holdfast names`);
  }
}

export function sqliteIsSafe(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major !== 3) return major > 3;
  if (minor === 50) return patch >= 7;
  if (minor === 44) return patch >= 6;
  return minor > 51 || (minor === 51 && patch >= 3);
}

/** BEGIN IMMEDIATE that waits without blocking the event loop: the holder may be in this very process, waiting for its signature. */
export async function beginImmediate(db: Db, what: string, patienceMs: number): Promise<void> {
  for (let waited = 0; ; ) {
    try {
      db.exec("BEGIN IMMEDIATE");
      return;
    } catch (error) {
      if (!isBusy(error)) throw new HoldfastError("ledger", `${what} cannot be locked`, error);
      if (waited >= patienceMs)
        throw new HoldfastError(
          "ledger",
          `${what} has been in use by another process for ${Math.round(waited / 1000)} s; try again, or end that process`,
          error,
        );
    }
    const pause = 1 + Math.min(waited / 8, 19);
    await new Promise((resolve) => setTimeout(resolve, pause));
    waited += pause;
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
}
