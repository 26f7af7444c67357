import { openForReading, type ReadDb } from "./database.ts";
import { openHeadReader } from "./head.ts";
import type { LedgerPaths } from "./paths.ts";
import { LEDGER_APPLICATION_ID } from "./schema.ts";

/** Head and entries of a log, both to be closed by whoever asked; none stays open where one cannot be opened. */
export function openToRead(paths: LedgerPaths, origin: string): { readonly head: ReturnType<typeof openHeadReader>; readonly opened: ReadDb } {
  const head = openHeadReader(paths.head, origin);
  try {
    return { head, opened: openForReading(paths.ledger, LEDGER_APPLICATION_ID) };
  } catch (error) {
    head.close();
    throw error;
  }
}
