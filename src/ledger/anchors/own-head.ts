import { openCheckpoint } from "../format/checkpoint.ts";
import { openHeadReader } from "../store/head.ts";
import type { LogVkeys } from "../keys/log-keys.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { openProver } from "../read/proof-of.ts";
import { syncFiles } from "../store/sync-files.ts";
import type { OwnHead } from "./witness.ts";

/** The newest signed head, durable here, with its proofs, until disposed. Throws `ledger` where it cannot be synced, `unverifiable` where the head is not signed by our keys. */
export function openOwnHead(paths: LedgerPaths, keys: LogVkeys): OwnHead & Disposable {
  const reader = openHeadReader(paths.head, keys.origin);
  let note: Buffer;
  try {
    note = reader.read();
  } finally {
    reader.close();
  }
  syncFiles(paths);
  const checkpoint = openCheckpoint(note, keys.origin, keys.vkeys);
  const prover = openProver(paths);
  return { note, checkpoint, prove: (from) => prover.consistency(from, checkpoint.size), [Symbol.dispose]: () => prover.close() };
}
