import { readdir } from "node:fs/promises";
import { HoldfastError, systemCode } from "../../core/error.ts";
import type { ExportReport } from "../../core/export-report.ts";
import { type Checkpoint, checkpointId, formatBody, openCheckpoint } from "../format/checkpoint.ts";
import { type Db, openForReading } from "../store/database.ts";
import { openHeadReader } from "../store/head.ts";
import { formatVkey } from "../keys/log-key.ts";
import { type LogVkeys, readVkeys } from "../keys/log-keys.ts";
import { emptyTree, grow, leafHash, rootOf, type Tile, TILE_WIDTH, type TreeEdge } from "../format/merkle.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";
import { edgeFromTiles, formatBundle, partialTiles, tilePath } from "../format/tlog-tiles.ts";
import { parseVkeys, vkeyText } from "../keys/vkey-list.ts";
import { cosignedNote, exportAnchors, linesOver } from "./export-anchors.ts";
import { type ExportFolder, exportFolder } from "./write-export-file.ts";

const IN_FLIGHT = 8;

/**
 * Writes the ledger as a C2SP tlog-tiles tree into `dir`, or brings an earlier export up to the newest head; only what is new is
 * written, the checkpoint last. The folder's own partial tiles give the edge that is grown on: that its root is the one signed
 * there and the grown one is the one signed here proves the old tree a prefix of ours. Every leaf is hashed from its bytes.
 * Rejects with `rollback` or `fork` where the folder holds a tree that is no prefix of ours, `altered` where folder or ledger do not
 * agree with their own head, `config` where the folder cannot be used. Memory does not grow with the ledger.
 */
export async function exportLedger(paths: LedgerPaths, dir: string, signal: AbortSignal): Promise<ExportReport> {
  const keys = readVkeys(paths.keys);
  const signed = headNote(paths, keys);
  const head = openCheckpoint(signed, keys.origin, keys.vkeys);
  const folder = exportFolder(dir);
  await demandOwnFolder(dir);
  const before = await exported(folder, dir, keys, head);
  const tree = before === null ? emptyTree() : await edgeOf(folder, dir, before);
  const tally: Tally = { files: 0, bytes: 0 };
  await putKeys(folder, tally, keys);
  const ledger = openForReading(paths.ledger, LEDGER_APPLICATION_ID);
  try {
    const note = cosignedNote(ledger.db, signed, head.size, before === null ? [] : linesOver(formatBody(head), before.note));
    await writeTree({ db: ledger.db, folder, tally, tree, dir, signal }, head.size);
    if (!rootOf(tree).equals(head.root)) throw notOurs(dir, before, head);
    if (before === null || before.size < head.size || !before.note.equals(note)) {
      const edge = partialTiles(head.size).map(({ level, n, width }) => put(folder, tally, tilePath(level, n, width), Buffer.concat(tree.rows[level] ?? [])));
      await settled(edge);
      await folder.sync(); // everything the checkpoint speaks of is durable before it is
      await demandUnmoved(folder, dir, before);
      await folder.replace("checkpoint", note);
      await folder.sync(); // and it is before a proof of its size is
      tally.files += 1;
      tally.bytes += note.length;
    }
    // Behind the checkpoint: a proof of a larger size than its own shows that an older one was put back.
    const proofs = await exportAnchors(ledger.db, folder, dir, head.size);
    tally.files += proofs.files;
    tally.bytes += proofs.bytes;
  } finally {
    ledger.close();
  }
  await folder.sync();
  await folder.sweep();
  return { checkpoint: checkpointId(head), from: String(before?.size ?? 0), files: String(tally.files), bytes: String(tally.bytes) };
}

/** The checkpoint that the folder had, with its bytes. */
type Exported = Checkpoint & { readonly note: Buffer };
type Tally = { files: number; bytes: number };
type Writing = {
  readonly db: Db;
  readonly folder: ExportFolder;
  readonly tally: Tally;
  readonly tree: TreeEdge;
  readonly dir: string;
  readonly signal: AbortSignal;
};

/** Bundles and full tiles, in pages of one bundle, a few files in flight: their fsyncs are what takes the time. */
async function writeTree(work: Writing, size: number): Promise<void> {
  const page = work.db.prepare<[number, number], { readonly idx: number; readonly leaf: Buffer; readonly hash: Buffer }>(
    "SELECT idx, leaf, leaf_hash AS hash FROM entry WHERE idx>=? AND idx<? ORDER BY idx",
  );
  const { tree } = work;
  const flight = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const send = async (name: string, bytes: Uint8Array): Promise<void> => {
    const sent = put(work.folder, work.tally, name, bytes).catch((error: unknown) => {
      failures.push(error);
    });
    const flying = sent.finally(() => flight.delete(flying));
    flight.add(flying);
    if (flight.size >= IN_FLIGHT) await Promise.race(flight);
  };
  const full: Tile[] = [];
  for (let start = tree.size - (tree.size % TILE_WIDTH); start < size && tree.size < size && failures.length === 0; start += TILE_WIDTH) {
    work.signal.throwIfAborted();
    const end = Math.min(start + TILE_WIDTH, size);
    const rows = page.all(start, end);
    const edge = [...(tree.rows[0] ?? [])];
    for (const [i, row] of rows.entries()) {
      const hash = leafHash(row.leaf);
      if (row.idx !== start + i || !hash.equals(row.hash)) throw damaged(start + i);
      if (row.idx >= tree.size) grow(tree, hash, full);
      else if (edge[i]?.equals(hash) !== true)
        throw new HoldfastError("fork", `entry ${row.idx} of the export in ${work.dir} is not the one of this ledger: it is another history of the same log`);
    }
    if (rows.length !== end - start) throw damaged(start + rows.length);
    await send(tilePath("entries", start / TILE_WIDTH, rows.length), formatBundle(rows.map((row) => row.leaf)));
    for (const tile of full) await send(tilePath(tile.level, tile.n, TILE_WIDTH), tile.data);
    full.length = 0;
  }
  await Promise.all(flight);
  if (failures.length > 0) throw failures[0];
}

/** Rejects with the first failure when all have ended: no file is written on after the export has failed. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) if (one.status === "rejected") throw one.reason;
}

async function put(folder: ExportFolder, tally: Tally, name: string, bytes: Uint8Array): Promise<void> {
  if (!(await folder.add(name, bytes))) return;
  tally.files += 1;
  tally.bytes += bytes.length;
}

/** A list of before a rotation is replaced by the longer one; that of another log, or of other keys, is not ours to replace. */
async function putKeys(folder: ExportFolder, tally: Tally, keys: LogVkeys): Promise<void> {
  const bytes = Buffer.from(vkeyText(keys));
  const there = await folder.read("log.vkey");
  const known = new Set(keys.vkeys.map(formatVkey));
  const earlier = there !== null && !there.equals(bytes) && isEarlier(there, known);
  if (!earlier) return put(folder, tally, "log.vkey", bytes);
  await folder.replace("log.vkey", bytes);
  tally.files += 1;
  tally.bytes += bytes.length;
}

function isEarlier(there: Buffer, known: ReadonlySet<string>): boolean {
  try {
    return parseVkeys(there.toString("utf8"), "log.vkey").vkeys.every((vkey) => known.has(formatVkey(vkey)));
  } catch {
    return false; // whatever it is, add() refuses to write over it
  }
}

function headNote(paths: LedgerPaths, keys: LogVkeys): Buffer {
  const head = openHeadReader(paths.head, keys.origin);
  try {
    return head.read();
  } finally {
    head.close();
  }
}

/** The checkpoint that the folder holds, signed by us, of a size we have. */
async function exported(folder: ExportFolder, dir: string, keys: LogVkeys, head: Checkpoint): Promise<Exported | null> {
  const note = await folder.read("checkpoint");
  if (note === null) return null;
  let before: Checkpoint;
  try {
    before = openCheckpoint(note, keys.origin, keys.vkeys);
  } catch (error) {
    throw new HoldfastError("fork", `the checkpoint in ${dir} is not one that ${keys.origin} signed; nothing was written, export into an empty folder`, error);
  }
  if (before.size > head.size)
    throw new HoldfastError(
      "rollback",
      `ROLLBACK: ${dir} holds a signed export of ${before.size} entries, and this ledger says ${head.size}; nothing was written, keep both for examination`,
    );
  if (before.size === head.size && !before.root.equals(head.root)) throw notOurs(dir, before, head);
  return { ...before, note };
}

/** Of two exports into one folder the slower must not put its older checkpoint over the newer one. */
async function demandUnmoved(folder: ExportFolder, dir: string, before: Exported | null): Promise<void> {
  const now = await folder.read("checkpoint");
  if (before === null ? now === null : now?.equals(before.note) === true) return;
  throw new HoldfastError("refused", `another export moved the checkpoint of ${dir} meanwhile; run this one again`);
}

async function edgeOf(folder: ExportFolder, dir: string, before: Checkpoint): Promise<TreeEdge> {
  const tiles = new Map<number, Buffer>();
  for (const { level, n, width } of partialTiles(before.size)) tiles.set(level, (await folder.read(tilePath(level, n, width))) ?? Buffer.alloc(0));
  let tree: TreeEdge;
  try {
    tree = edgeFromTiles(before.size, (level) => tiles.get(level) ?? Buffer.alloc(0));
  } catch (error) {
    throw spoilt(dir, before, error);
  }
  if (!rootOf(tree).equals(before.root)) throw spoilt(dir, before, undefined);
  return tree;
}

async function demandOwnFolder(dir: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw new HoldfastError("config", `${dir} cannot be used as a folder for the export (${systemCode(error) ?? "?"})`, error);
  }
  const strange = names.find((name) => !["anchors", "checkpoint", "log.vkey", "tile"].includes(name) && !name.startsWith(".export-"));
  if (strange !== undefined)
    throw new HoldfastError(
      "usage",
      `${dir} holds ${JSON.stringify(strange)}, which is no part of an export; name an empty folder, or one that an export made`,
    );
}

function damaged(seq: number): HoldfastError {
  return new HoldfastError("altered", `entry ${seq} of the ledger is not the one that was recorded; nothing was signed off, run holdfast ledger audit`);
}

function spoilt(dir: string, before: Checkpoint, cause: unknown): HoldfastError {
  return new HoldfastError(
    "altered",
    `the tiles in ${dir} do not give the root of its own checkpoint of size ${before.size}; export into an empty folder`,
    cause,
  );
}

function notOurs(dir: string, before: Checkpoint | null, head: Checkpoint): HoldfastError {
  if (before === null)
    return new HoldfastError("altered", `the ${head.size} entries of the ledger do not give the root that its head signs; run holdfast ledger audit`);
  return new HoldfastError(
    "fork",
    `FORK: the signed export of ${before.size} entries in ${dir} is no prefix of this ledger of ${head.size}; its checkpoint was left, keep both for examination`,
  );
}
