import { parseSha256 } from "../../core/digest.ts";
import { HoldfastError } from "../../core/error.ts";
import type { Clock, Random } from "../../core/ports.ts";
import type { Vault } from "../../core/vault.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import { createLedger } from "../write/create-ledger.ts";
import { type Db, openForWriting } from "../store/database.ts";
import { openHead } from "../store/head.ts";
import { decodeLeaf } from "../format/leaf.ts";
import type { LogVkeys } from "../keys/log-keys.ts";
import { emptyTree, grow, leafHash, rootOf, type Tile } from "../format/merkle.ts";
import { type Mirrored, type MirrorSight, lookAtMirror } from "./mirror-look.ts";
import { mirroredLeaves } from "./mirrored-log.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";
import { type Store, storeOf } from "../store/store.ts";

/**
 * The checkpoint that a lost ledger comes back to: the newest in the mirror, which these keys signed. Rejects with `fork` where they
 * signed two of one size, with `rollback` where a larger one is there that they did not sign: an origin is never gone on with from
 * a shorter tree than anyone holds.
 */
export async function newestMirrored(vault: Vault, keys: LogVkeys, signal: AbortSignal): Promise<Mirrored> {
  const sight: MirrorSight = await lookAtMirror(vault, keys, 0, signal);
  const { newest, largest, split } = sight;
  if (split !== null)
    throw new HoldfastError(
      "fork",
      `FORK: vault ${vault.name} keeps two checkpoints of ${keys.origin} of size ${split.one.size} with different roots, both signed: keep everything for examination`,
    );
  if (newest === null)
    throw new HoldfastError(
      "unverifiable",
      `vault ${vault.name} keeps no checkpoint of ${keys.origin} that its keys signed${sight.alarms.length > 0 ? `: ${sight.alarms.join("; ")}` : ""}`,
    );
  if (largest > newest.checkpoint.size)
    throw new HoldfastError(
      "rollback",
      `ROLLBACK: vault ${vault.name} keeps a checkpoint of ${largest} entries that these keys did not sign, and the newest that they signed is of ${newest.checkpoint.size}; a log is never gone on with from a shorter tree. Use the newest key backup, or begin a new origin: ${sight.alarms.join("; ")}`,
    );
  return newest;
}

/**
 * Builds ledger.db and head.db in a new place, whose keys are there already: every leaf is hashed and its form checked, the index and
 * the tiles are made anew from the leaves, and the head is the mirrored note, byte for byte. Rejects with `altered` where the leaves do not
 * give the signed root; what was built is then worth nothing.
 */
export async function rebuildLedger(
  paths: LedgerPaths,
  vault: Vault,
  mirrored: Mirrored,
  around: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<void> {
  const { checkpoint, note } = mirrored;
  createLedger(paths, checkpoint.origin, around.random, around.clock);
  const db = openForWriting(paths.ledger, LEDGER_APPLICATION_ID);
  try {
    await insertLeaves(db, vault, checkpoint, signal);
  } finally {
    db.close();
  }
  const head = openHead(paths.head, checkpoint.origin);
  try {
    await head.lock();
    const before = head.read();
    if (checkpoint.size > 0) head.swap(before, note);
  } finally {
    head.unlock();
    head.close();
  }
}

async function insertLeaves(db: Db, vault: Vault, checkpoint: Checkpoint, signal: AbortSignal): Promise<void> {
  const store: Store = storeOf(db);
  const tree = emptyTree();
  for await (const leaves of mirroredLeaves(vault, checkpoint.origin, checkpoint.size, signal)) {
    const full: Tile[] = [];
    db.exec("BEGIN IMMEDIATE");
    for (const leaf of leaves) {
      const act = decodeLeaf(tree.size, leaf, checkpoint.origin);
      const exhibits = act.exhibits.map((e) => ({ id: e.id, exhibit_seq: e.seq, exhibit_prev: parseSha256(e.prev) }));
      const hash = leafHash(leaf);
      store.insert(tree.size, { bytes: leaf, hash }, { ...act, exhibits });
      grow(tree, hash, full);
    }
    store.flush();
    for (const tile of full) store.insertTile(tile);
    db.exec("COMMIT");
  }
  if (!rootOf(tree).equals(checkpoint.root))
    throw new HoldfastError(
      "altered",
      `the ${tree.size} entries in vault ${vault.name} give the root ${rootOf(tree).toString("base64")}, and its checkpoint signs ${checkpoint.root.toString("base64")}: entries of the mirror were changed, and nothing is restored from them`,
    );
}
