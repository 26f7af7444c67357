import type { CheckpointId } from "./act.ts";

/** What an export of the ledger wrote: entries from `from` on up to the checkpoint's size. All counts in decimal digits. */
export type ExportReport = {
  readonly checkpoint: CheckpointId;
  readonly from: string;
  readonly files: string;
  readonly bytes: string;
};
