import type { LockMode, Retention } from "../../core/lock.ts";
import { HoldfastError } from "../../core/error.ts";
import { putSmall, readSmall } from "../../core/small-object.ts";
import type { Vault } from "../../core/vault.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import { openForReading } from "../store/database.ts";
import { readVkeys } from "../keys/log-keys.ts";
import { TILE_WIDTH } from "../format/merkle.ts";
import { demandAgreement, judgeMirror } from "./mirror-judge.ts";
import { lookAtMirror } from "./mirror-look.ts";
import { bundleName, checkpointName, mirrorFolder, vkeyName } from "./mirror-names.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { openProver } from "../read/proof-of.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";
import { syncFiles } from "../store/sync-files.ts";
import { currentFrom, vkeyText } from "../keys/vkey-list.ts";
import { type Bundle, readBundle, verifiedBundles } from "./verified-bundles.ts";

export type MirrorWish = {
  readonly vault: Vault;
  /** RFC 3339 UTC, whole seconds: the end of the longest retention class. */
  readonly retainUntil: string;
  /** Called after each object that is durable in the mirror: whoever waits may know that it moves. */
  readonly progress?: () => void;
};

export type MirrorReport = {
  /** The size that is mirrored now. */
  readonly size: number;
  /** Objects written now. */
  readonly written: number;
  readonly alarms: readonly string[];
};

/**
 * Brings the mirror up to the signed head: key list, entry bundles, then the checkpoint, so that whatever checkpoint is there has
 * all its entries beside it. What is there decides where to go on; nothing else is remembered. Everything that is written was first
 * shown to lead to the signed root: what is locked for years must be what was signed. Rejects with `rollback` or `fork` where the mirror holds
 * what this ledger is not, `altered` where the ledger does not give its own root, else as the vault does.
 */
export async function mirrorLedger(paths: LedgerPaths, wish: MirrorWish, signal: AbortSignal): Promise<MirrorReport> {
  const { vault } = wish;
  const keys = readVkeys(paths.keys);
  const prover = openProver(paths);
  try {
    const sight = await lookAtMirror(vault, keys, prover.head().checkpoint.size, signal);
    // The head is read after the list: what another process of this home mirrored meanwhile is no rollback.
    const { note, checkpoint } = prover.head();
    syncFiles(paths);
    const state = judgeMirror(vault.name, sight, checkpoint, prover);
    demandAgreement(keys.origin, state);
    const mirrored = state.kind === "agrees" ? state.size : 0;
    if (mirrored === checkpoint.size && state.kind === "agrees") return { size: mirrored, written: 0, alarms: sight.alarms };
    const put = putter(wish, mirrorFolder(keys.origin), signal);
    await put(vkeyName(currentFrom(keys.vkeys)), Buffer.from(vkeyText(keys)));
    await putBundles(paths, prover, mirrored, checkpoint, put);
    await put(checkpointName(checkpoint.size), note);
    return { size: checkpoint.size, written: put.written(), alarms: sight.alarms };
  } finally {
    prover.close();
  }
}

type Put = ((name: string, bytes: Buffer) => Promise<void>) & { written(): number };

function putter({ vault, retainUntil, progress }: MirrorWish, folder: string, signal: AbortSignal): Put {
  let written = 0;
  const put = async (name: string, bytes: Buffer): Promise<void> => {
    const mode: LockMode = vault.mode;
    const retention: Retention = { mode, retainUntil, legalHold: false };
    const key = folder + name;
    try {
      await putSmall(vault, { key, mediaType: name.startsWith("tile/") ? "application/octet-stream" : "text/plain; charset=utf-8", bytes, retention }, signal);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "object-exists" || !(await isThere(vault, key, bytes, signal))) throw error;
    }
    written += 1;
    progress?.();
  };
  return Object.assign(put, { written: () => written });
}

/** A store that shows no checksum cannot say whether what has the key is the same: it is read. */
async function isThere(vault: Vault, key: string, bytes: Buffer, signal: AbortSignal): Promise<boolean> {
  for await (const listed of vault.list(key, null, signal))
    if (listed.key === key && listed.bytes === bytes.length) return (await readSmall(vault, listed, bytes.length, signal)).equals(bytes);
  return false;
}

async function putBundles(paths: LedgerPaths, prover: ReturnType<typeof openProver>, from: number, head: Checkpoint, put: Put): Promise<void> {
  const ledger = openForReading(paths.ledger, LEDGER_APPLICATION_ID);
  try {
    const first = Math.floor(from / TILE_WIDTH);
    const bundles: readonly Bundle[] = verifiedBundles(ledger.db, prover, first, head);
    for (const bundle of bundles) await put(bundleName(bundle.n, bundle.width), readBundle(ledger.db, bundle));
  } finally {
    ledger.close();
  }
}
