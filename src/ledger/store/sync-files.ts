import { closeSync, fsyncSync, openSync } from "node:fs";
import { HoldfastError, systemCode } from "../../core/error.ts";
import type { LedgerPaths } from "./paths.ts";

/**
 * Makes durable what was read from the two databases. A writer that was killed between write and sync leaves a head that every reader
 * sees and a loss of power takes back: a witness that had been shown it would call this ledger rolled back for ever. Throws `ledger`.
 */
export function syncFiles({ ledger, head }: LedgerPaths): void {
  for (const file of [ledger, head]) syncFile(`${file}-wal`);
}

/** Without a WAL everything is in the database, which SQLite has synced before it let go of the WAL. */
function syncFile(file: string): void {
  let fd: number | null = null;
  try {
    fd = openSync(file, "r");
    fsyncSync(fd);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw new HoldfastError("ledger", `${file} cannot be synced, so nobody outside is shown its head; see that its disk works`, error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}
