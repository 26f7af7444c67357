import Database from "better-sqlite3";
import { HoldfastError } from "../../core/error.ts";
import type { Db } from "./database.ts";

/** After a failed commit, signature or swap the stored state is not known any more; only a new start, with its audit, may go on. */
export class FatalError extends HoldfastError {}

export function isFatal(error: unknown): boolean {
  return error instanceof FatalError || (error instanceof HoldfastError && (error.code === "rollback" || error.code === "fork"));
}

/** A commit whose sync failed may still be in the file, and the next start signs for it: nobody may be told that nothing was recorded. */
export function commit(db: Db, file: string): void {
  try {
    db.exec("COMMIT");
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === "SQLITE_FULL") throw error; // written in part only, which counts as nothing
    throw new FatalError(
      "ledger",
      `the disk of ${file} failed in the middle of a commit; whether its acts are recorded shows when the ledger is opened again. This process records nothing more: see that the disk works, and start again`,
      error,
    );
  }
}
