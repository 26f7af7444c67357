import type Database from "better-sqlite3";
import type { Tool } from "../../core/act.ts";
import { HoldfastError } from "../../core/error.ts";
import type { ActorSigner } from "../../core/actor-signer.ts";
import type { Clock, ClockQuality, Random } from "../../core/ports.ts";
import type { Recorder } from "../../core/recorder.ts";
import { checkpointId, signCheckpoint } from "../format/checkpoint.ts";
import { asLedgerError, type Db, openForWriting } from "../store/database.ts";
import { checkDraft } from "./draft.ts";
import { RefusedAct } from "../actors/gate.ts";
import { commit, FatalError, isFatal } from "../store/fatal-error.ts";
import { demandSameFiles, filesStamp } from "../store/files-stamp.ts";
import { type Call, groupQueue } from "./group-queue.ts";
import { type Head, openHead } from "../store/head.ts";
import { NONCE_BYTES } from "../format/leaf.ts";
import { keysStamp, type LogKeys, readLogKeys } from "../keys/log-keys.ts";
import { copyTree, grow, type Hash, rootOf, type Tile, type TreeEdge } from "../format/merkle.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";
import { schemaDifferences } from "../audit/schema-differences.ts";
import { followHead, followTail, type SignedTree, type TreeContext } from "./signed-tree.ts";
import { storeOf } from "../store/store.ts";
import { storeView } from "../store/store-view.ts";
import { type ActWriter, type Recorded, writeAct, writeRefusal } from "./write-act.ts";

export type RecorderOptions = {
  readonly paths: LedgerPaths;
  readonly origin: string;
  readonly clock: Clock;
  readonly clockQuality: ClockQuality;
  readonly random: Random;
  readonly tool: Tool;
  /** Signs the acts of its id, once its key is enrolled. */
  readonly signer?: ActorSigner | null;
  /** Called between the steps of a commit, for tests that must stop there. */
  readonly onStep?: (step: CommitStep) => void;
};
export type CommitStep = "inserted" | "committed" | "signed" | "swapped";

type Writer = RecorderOptions &
  TreeContext & {
    readonly head: Head;
    keys: LogKeys;
    /** Of the file that `keys` was read from. */
    stamp: string;
    vkeys: LogKeys["vkeys"];
    readonly savepoint: Database.Statement;
    readonly release: Database.Statement;
    readonly view: ActWriter["view"];
    readonly files: string;
    known: SignedTree;
  };

/**
 * The one writer. Opening it is a self-audit: every leaf is hashed again and the root compared with the signed head, a tail that
 * a crash left unsigned is signed for, and `rollback`, `fork` or a foreign key stops it before it signs anything.
 */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const stamp = keysStamp(options.paths.keys);
  const keys = readLogKeys(options.paths.keys);
  if (keys.origin !== options.origin)
    throw new HoldfastError(
      "config",
      `the keys in ${options.paths.keys} are those of ${keys.origin}, not of ${options.origin}; correct origin in the configuration`,
    );
  const files = filesStamp(options.paths); // before they are opened: a change between the two is found later
  const head = openHead(options.paths.head, options.origin);
  let db: Db | null = null;
  try {
    db = openForWriting(options.paths.ledger, LEDGER_APPLICATION_ID);
    const differences = schemaDifferences(db);
    if (differences.length > 0)
      throw new HoldfastError(
        "ledger",
        `${options.paths.ledger} was tampered with: ${differences.join("; ")}. Nothing is signed on top of it; keep all files and run holdfast ledger audit`,
      );
    const context: TreeContext = { db, store: storeOf(db), origin: options.origin, vkeys: keys.vkeys };
    // The long part without the lock: up to the head of now. What others append meanwhile is taken in under the lock.
    const known = followHead(context, null, head.read());
    const writer: Writer = {
      ...options,
      ...context,
      head,
      files,
      keys,
      stamp,
      known,
      view: storeView(context.store, options.origin),
      savepoint: db.prepare("SAVEPOINT one_call"),
      release: db.prepare("RELEASE one_call"),
    };
    await commitGroup(writer, []);
    return recorderOf(writer);
  } catch (error) {
    head.close();
    db?.close();
    throw asLedgerError(error, `the ledger ${options.paths.ledger} cannot be opened; run holdfast ledger audit`);
  }
}

function recorderOf(writer: Writer): Recorder {
  const queue = groupQueue((group) => commitGroup(writer, group), isFatal);
  let closed = false;
  return {
    append(drafts) {
      if (closed) return Promise.reject(new HoldfastError("unexpected", "this recorder is closed"));
      return new Promise((resolve, reject) => {
        for (const draft of drafts) checkDraft(draft);
        queue.add({ drafts, resolve, reject });
      });
    },
    async close() {
      closed = true;
      await queue.drained();
      writer.head.close();
      writer.db.close();
    },
  };
}

/** Lock head → commit entries → sign → swap head → receipts. Never signs before the commit, never answers before the swap. */
async function commitGroup(writer: Writer, group: readonly Call[]): Promise<void> {
  await writer.head.lock();
  try {
    demandSameFiles(writer.paths, writer.files);
    followKeys(writer);
    writer.known = followHead(writer, writer.known, writer.head.read());
    followTail(writer, writer.known);
    const written = await writeEntries(writer, group);
    if (written.tree.size > writer.known.signed.size) await signAndSwap(writer, written.tree);
    const checkpoint = checkpointId(writer.known.signed);
    for (const { call, recorded } of written.accepted) call.resolve(recorded.map((r) => ({ ...r, checkpoint })));
    for (const { call, error } of written.refused) call.reject(error);
  } catch (error) {
    throw asLedgerError(error, `the ledger ${writer.paths.ledger} cannot be read or written; see that its disk works`);
  } finally {
    writer.head.unlock();
  }
}

/** Another process may have rotated the keys; they change under the head's lock only. */
function followKeys(writer: Writer): void {
  const stamp = keysStamp(writer.paths.keys);
  if (stamp === writer.stamp) return;
  const keys = readLogKeys(writer.paths.keys);
  Object.assign(writer, { keys, vkeys: keys.vkeys, stamp });
}

type Written = {
  readonly tree: TreeEdge;
  readonly accepted: readonly { readonly call: Call; readonly recorded: readonly Recorded[] }[];
  readonly refused: readonly { readonly call: Call; readonly error: HoldfastError }[];
};

/**
 * One transaction for the group, one savepoint a call: a refused call leaves the others alone. The transaction stays open while
 * an actor's key signs: an act names the one before it, signature included, so signing cannot come first. The head's lock keeps
 * other writers out meanwhile.
 */
async function writeEntries(writer: Writer, group: readonly Call[]): Promise<Written> {
  if (group.length === 0) return { tree: writer.known.tree, accepted: [], refused: [] };
  const { db, store, savepoint, release } = writer;
  const tree = copyTree(writer.known.tree);
  const accepted: { readonly call: Call; readonly recorded: readonly Recorded[] }[] = [];
  const refused: { readonly call: Call; readonly error: HoldfastError }[] = [];
  try {
    db.exec("BEGIN IMMEDIATE");
    const full: Tile[] = [];
    const acts = group.reduce((sum, call) => sum + call.drafts.length + 1, 0); // one more for a refusal
    writer.view.refresh();
    const nonces = writer.random(NONCE_BYTES * acts);
    let used = 0;
    const nonce = (): Uint8Array => {
      used += NONCE_BYTES;
      return nonces.subarray(used - NONCE_BYTES, used);
    };
    for (const call of group) {
      savepoint.run();
      try {
        const hashes: Hash[] = [];
        const recorded: Recorded[] = [];
        for (const draft of call.drafts) {
          const written = writeAct(writer, draft, tree.size + hashes.length, hashes, nonce());
          recorded.push(written instanceof Promise ? await written : written); // no turn of the event loop for what nobody signs
        }
        store.flush();
        for (const hash of hashes) grow(tree, hash, full);
        accepted.push({ call, recorded });
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        store.drop();
        db.exec("ROLLBACK TO one_call");
        writer.view.forget();
        writer.view.refresh();
        if (error instanceof RefusedAct) grow(tree, writeRefusal(writer, error, tree.size, nonce()), full);
        store.flush();
        refused.push({ call, error });
      }
      release.run();
    }
    if (tree.size === writer.known.tree.size) {
      db.exec("ROLLBACK");
      return { tree: writer.known.tree, accepted, refused };
    }
    for (const tile of full) store.insertTile(tile);
    // The newest note is in head.db alone until the next batch: keeping it here at once would cost another fsync.
    if ((store.newestNote()?.size ?? -1) < writer.known.signed.size) store.keepNote(writer.known.signed.size, writer.known.body);
    writer.onStep?.("inserted");
    commit(db, writer.paths.ledger);
  } catch (error) {
    store.drop();
    if (db.inTransaction) db.exec("ROLLBACK");
    writer.view.forget();
    if (error instanceof FatalError) throw error;
    throw new HoldfastError(
      "ledger",
      `the ledger ${writer.paths.ledger} could not store ${group.length === 1 ? "an act" : "acts"}, and nothing of it counts as recorded; see that its disk has room and works`,
      error,
    );
  }
  writer.onStep?.("committed");
  return { tree, accepted, refused };
}

async function signAndSwap(writer: Writer, tree: TreeEdge): Promise<void> {
  const signed = { origin: writer.origin, size: tree.size, root: rootOf(tree) };
  try {
    const note = Buffer.from(await signCheckpoint(signed, writer.keys.signers, Math.floor(writer.clock().getTime() / 1000)));
    writer.onStep?.("signed");
    writer.head.swap(writer.known.body, note);
    writer.known = { tree, signed, body: note };
  } catch (error) {
    throw new FatalError(
      "ledger",
      `the head of the ledger ${writer.origin} could not be moved to size ${tree.size}; this process records nothing more, start again and the ledger checks itself`,
      error,
    );
  }
  writer.onStep?.("swapped");
}
