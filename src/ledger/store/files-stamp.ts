import { statSync } from "node:fs";
import { systemCode } from "../../core/error.ts";
import { FatalError } from "./fatal-error.ts";
import type { LedgerPaths } from "./paths.ts";

/** Which files stand under the names of the two databases. */
export function filesStamp({ ledger, head }: LedgerPaths): string {
  return [ledger, head].map(stampOf).join(" ");
}

/**
 * A snapshot that is put back by renaming leaves a writer with the old files open: it would go on, and give receipts, in files that
 * nobody finds any more. `stamp` is from before they were opened.
 */
export function demandSameFiles(paths: LedgerPaths, stamp: string): void {
  if (filesStamp(paths) === stamp) return;
  throw new FatalError(
    "ledger",
    `${paths.ledger} or ${paths.head} was removed, or another file put in its place, while it was open here; this process records nothing more: run holdfast ledger audit, then start again`,
  );
}

function stampOf(file: string): string {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev}/${ino}`;
  } catch (error) {
    return systemCode(error) ?? "?";
  }
}
