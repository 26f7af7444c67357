import { existsSync, linkSync, mkdirSync, openSync, rmSync, fsyncSync, closeSync } from "node:fs";
import { dirname, join } from "node:path";
import { HoldfastError } from "../../core/error.ts";
import type { Clock, Random } from "../../core/ports.ts";
import { openCheckpoint, parseOrigin, signCheckpointNow } from "../format/checkpoint.ts";
import { asLedgerError, type Db, open, setAndReadBack } from "../store/database.ts";
import { logId } from "../store/head.ts";
import { type LogKeys, type LogVkeys, makeLogKeys, readLogKeys, readVkeys, syncDir } from "../keys/log-keys.ts";
import { EMPTY_ROOT } from "../format/merkle.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { HEAD_APPLICATION_ID, headSchema, LEDGER_APPLICATION_ID, ledgerSchema, USER_VERSION } from "../store/schema.ts";

/** Eleven acts a page. In SQLite's 4 KiB two acts leave a third of the page empty, and commits and audits move half as many bytes again. */
const PAGE_BYTES = 16_384;

/**
 * Makes the ledger of a new home: keys, head of size 0, empty ledger. Several processes may try at once: one makes it, all get
 * its public keys. A whole ledger of the same origin is left as it is; anything half there that could be a damaged old ledger is an error, and
 * never becomes a fresh log.
 */
export function createLedger(paths: LedgerPaths, origin: string, random: Random, clock: Clock): LogVkeys {
  parseOrigin(origin);
  for (const dir of [dirname(paths.ledger), dirname(paths.head)]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (existsSync(paths.head) && !existsSync(paths.ledger)) throw half(paths, `${paths.head} is there and ${paths.ledger} is not`);
  const db = open(paths.ledger, { timeout: 60_000 });
  try {
    db.pragma(`page_size=${PAGE_BYTES}`); // before the first page is there; of a ledger that is there it changes nothing
    db.exec("BEGIN EXCLUSIVE"); // the mutex of all makers; a maker that dies leaves an empty file, and the next one makes it
    if (db.pragma("user_version", { simple: true }) !== 0) return existing(paths, origin);
    if (db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() !== 0) throw half(paths, `${paths.ledger} is a database of something else`);
    const keys = keysOf(paths.keys, origin, random);
    makeHead(paths.head, keys, clock);
    applySchema(db, ledgerSchema, LEDGER_APPLICATION_ID);
    db.exec("COMMIT");
    setAndReadBack(db, paths.ledger, "journal_mode", "WAL", "wal");
    syncDir(dirname(paths.ledger));
    return { origin, vkeys: keys.vkeys };
  } catch (error) {
    throw asLedgerError(error, `the ledger ${paths.ledger} cannot be made; see that its folder can be written and has room`);
  } finally {
    if (db.inTransaction) db.exec("ROLLBACK");
    db.close();
  }
}

function existing(paths: LedgerPaths, origin: string): LogVkeys {
  if (!existsSync(paths.head)) throw half(paths, `${paths.head} is missing`);
  const found = readVkeys(paths.keys);
  if (found.origin !== origin)
    throw new HoldfastError("config", `the ledger ${paths.ledger} is of the origin ${found.origin}, not of ${origin}; an origin never changes`);
  return found;
}

/** Keys that a maker left which died before the ledger was there have signed nothing but size 0, and are taken over. */
function keysOf(dir: string, origin: string, random: Random): LogKeys {
  if (!existsSync(join(dir, "log.vkey"))) makeLogKeys(dir, origin, random);
  const keys = readLogKeys(dir);
  if (keys.origin !== origin) throw new HoldfastError("config", `${dir} holds the keys of the log ${keys.origin}, not of ${origin}; choose another home`);
  return keys;
}

function makeHead(file: string, keys: LogKeys, clock: Clock): void {
  if (existsSync(file)) {
    demandUnused(file, keys);
    return;
  }
  const part = `${file}.part`;
  for (const leftover of [part, `${part}-journal`]) rmSync(leftover, { force: true });
  const note = signCheckpointNow({ origin: keys.origin, size: 0, root: EMPTY_ROOT }, keys.signing, Math.floor(clock().getTime() / 1000));
  const db = open(part, {});
  try {
    setAndReadBack(db, part, "synchronous", "EXTRA", 3);
    db.exec("BEGIN EXCLUSIVE");
    applySchema(db, headSchema, HEAD_APPLICATION_ID);
    db.prepare("INSERT INTO checkpoints(logID,body) VALUES(?,?)").run(logId(keys.origin), Buffer.from(note));
    db.exec("COMMIT");
  } finally {
    db.close();
  }
  const fd = openSync(part, "r+");
  fsyncSync(fd);
  closeSync(fd);
  linkSync(part, file);
  rmSync(part);
  syncDir(dirname(file));
}

function demandUnused(file: string, keys: LogKeys): void {
  const db = open(file, { fileMustExist: true, readonly: true });
  try {
    const body: unknown = db.prepare("SELECT body FROM checkpoints WHERE logID=?").pluck().get(logId(keys.origin));
    if (!Buffer.isBuffer(body) || openCheckpoint(body, keys.origin, keys.vkeys).size !== 0)
      throw new HoldfastError(
        "rollback",
        `${file} holds the head of a ledger with entries, and the ledger is empty; restore the ledger, it is not begun again`,
      );
  } finally {
    db.close();
  }
}

function applySchema(db: Db, schema: readonly string[], applicationId: number): void {
  for (const statement of schema) db.exec(statement);
  db.pragma(`application_id=${applicationId}`);
  db.pragma(`user_version=${USER_VERSION}`);
}

function half(paths: LedgerPaths, what: string): HoldfastError {
  return new HoldfastError(
    "ledger",
    `${what}; a ledger that once was is never begun again: restore the missing file beside ${paths.ledger}, or choose another home`,
  );
}
