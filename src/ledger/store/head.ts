import { hash } from "node:crypto";
import { HoldfastError } from "../../core/error.ts";
import { beginImmediate, type Db, openForReading, openForWriting } from "./database.ts";
import { HEAD_APPLICATION_ID } from "./schema.ts";

/** SHA-256 of the origin: the name of a log in head.db. */
export function logId(origin: string): Buffer {
  return hash("sha256", origin, "buffer");
}

/**
 * The newest checkpoint, moved only by compare-and-swap, and the one mutex of all writers of a home: whoever holds it may commit,
 * sign and swap. A process that dies gives it back.
 */
export type Head = {
  /** Waits for the other writers. */
  lock(): Promise<void>;
  read(): Buffer;
  /** Durable when it returns; gives the lock back. Anything but exactly one row changed is fatal: the stored state is unknown. */
  swap(from: Buffer, to: Buffer): void;
  unlock(): void;
  close(): void;
};

const PATIENCE_MS = 120_000;

export function openHead(file: string, origin: string): Head {
  const db = openForWriting(file, HEAD_APPLICATION_ID);
  db.pragma("busy_timeout=0"); // lock() waits by itself, without blocking the event loop
  const id = logId(origin);
  const update = db.prepare("UPDATE checkpoints SET body=? WHERE logID=? AND body=?");
  const read = reading(db, file, origin);
  return {
    lock: () => beginImmediate(db, file, PATIENCE_MS),
    read,
    swap(from, to) {
      const { changes } = update.run(to, id, from);
      if (changes !== 1)
        throw new HoldfastError("ledger", `${file}: ${changes} heads changed where one had to; the ledger stops signing, keep all its files for examination`);
      db.exec("COMMIT");
    },
    unlock() {
      if (db.inTransaction) db.exec("ROLLBACK");
    },
    close: () => db.close(),
  };
}

/** Only looks. */
export function openHeadReader(file: string, origin: string): { read(): Buffer; close(): void } {
  const { db, close } = openForReading(file, HEAD_APPLICATION_ID);
  try {
    return { read: reading(db, file, origin), close };
  } catch (error) {
    close();
    throw error;
  }
}

function reading(db: Db, file: string, origin: string): () => Buffer {
  const select = db.prepare("SELECT body FROM checkpoints WHERE logID=?").pluck();
  const id = logId(origin);
  return () => {
    const body: unknown = select.get(id);
    if (!Buffer.isBuffer(body)) throw new HoldfastError("ledger", `${file} has no head of the log ${origin}; it belongs to another ledger, or was damaged`);
    return body;
  };
}
