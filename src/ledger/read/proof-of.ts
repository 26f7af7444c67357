import { HoldfastError } from "../../core/error.ts";
import { type Checkpoint, openCheckpoint } from "../format/checkpoint.ts";
import { type Db, openForReading } from "../store/database.ts";
import { openToRead } from "../store/open-to-read.ts";
import { readVkeys } from "../keys/log-keys.ts";
import { HASH_BYTES, type Hash, leafHash, TILE_WIDTH } from "../format/merkle.ts";
import { consistencyProof, inclusionProof, type NodeSource, verifyInclusion } from "../format/merkle-proof.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";
import { formatTlogProof } from "../format/tlog-proof.ts";
import { cosignedNote } from "./export-anchors.ts";
import { rootOfRow } from "../format/tlog-tiles.ts";

const KEPT_NODES = 1 << 16;

export type Prover = {
  /** The newest signed head. Read anew with each call. */
  head(): { readonly note: Buffer; readonly checkpoint: Checkpoint };
  /** The `.tlog-proof` of an entry in the newest checkpoint. */
  prove(seq: number): ProvenEntry;
  /** The way of an entry to the root of an earlier size, RFC 6962 §2.1.1. Not held against any root. */
  path(seq: number, size: number): readonly Hash[];
  /** RFC 6962 §2.1.2, between any two sizes up to the newest checkpoint's. */
  consistency(from: number, to: number): readonly Hash[];
  /** The first `width` hashes of a tile. */
  edge(level: number, n: number, width: number): Buffer;
  close(): void;
};
export type ProvenEntry = {
  readonly seq: number;
  readonly leaf: Buffer;
  readonly leafHash: Hash;
  /** Audit path from leaf to root, RFC 6962 §2.1.1. */
  readonly hashes: readonly Hash[];
  readonly checkpoint: Checkpoint;
  readonly proof: string;
};

/** One proof, whose checkpoint carries what witnesses cosigned of it. Whoever needs many keeps a prover open: it remembers the hashes at the right edge. */
export function proofOf(paths: LedgerPaths, seq: number): ProvenEntry {
  const prover = openProver(paths);
  try {
    const { note } = prover.head();
    const proven = prover.prove(seq);
    if (!proven.proof.endsWith(note.toString("utf8"))) return proven; // the head moved on between the two
    const { db, close } = openForReading(paths.ledger, LEDGER_APPLICATION_ID);
    try {
      const checkpoint = cosignedNote(db, note, proven.checkpoint.size).toString("utf8");
      return { ...proven, proof: formatTlogProof({ index: seq, hashes: proven.hashes, checkpoint, extra: null }) };
    } finally {
      close();
    }
  } finally {
    prover.close();
  }
}

/**
 * Proves from stored tiles; hashes that no full tile holds yet are computed and kept. A proof is checked against the signed root
 * before it is handed out, from the bytes of the leaf: tiles and columns are not trusted. `prove` throws `usage` for an entry that the head does
 * not cover, `altered` where the proof does not hold.
 */
export function openProver(paths: LedgerPaths): Prover {
  const { origin, vkeys } = readVkeys(paths.keys);
  const { head, opened } = openToRead(paths, origin);
  const leafAt = opened.db.prepare<[number], Buffer>("SELECT leaf FROM entry WHERE idx=?").pluck();
  const nodes = storedNodes(opened.db);
  let newest: { readonly note: Buffer; readonly checkpoint: Checkpoint } | null = null;
  const current = (): { readonly note: Buffer; readonly checkpoint: Checkpoint } => {
    const note = head.read();
    if (newest?.note.equals(note) !== true) newest = { note, checkpoint: openCheckpoint(note, origin, vkeys) };
    return newest;
  };
  return {
    prove(seq) {
      const { note, checkpoint } = current();
      if (seq >= checkpoint.size) throw new HoldfastError("usage", `the ledger ${origin} has no entry ${seq}; its newest checkpoint has ${checkpoint.size}`);
      const leaf = leafAt.get(seq);
      const hash = leaf === undefined ? null : leafHash(leaf);
      const hashes = inclusionProof(nodes, seq, checkpoint.size);
      if (leaf === undefined || hash === null || !verifyInclusion(hash, seq, checkpoint.size, hashes, checkpoint.root))
        throw new HoldfastError("altered", `entry ${seq} of the ledger ${origin} does not lead to the signed root; run holdfast ledger audit`);
      return { seq, leaf, leafHash: hash, hashes, checkpoint, proof: formatTlogProof({ index: seq, hashes, checkpoint: note.toString("utf8"), extra: null }) };
    },
    head: current,
    path: (seq, size) => inclusionProof(nodes, seq, size),
    consistency(from, to) {
      if (to > current().checkpoint.size)
        throw new HoldfastError("usage", `the newest checkpoint of ${origin} has ${current().checkpoint.size} entries, not ${to}`);
      return consistencyProof(nodes, from, to);
    },
    edge: (level, n, width) => Buffer.concat(Array.from({ length: width }, (_, i) => nodes(8 * level, n * TILE_WIDTH + i))),
    close() {
      head.close();
      opened.close();
    },
  };
}

function storedNodes(db: Db): NodeSource {
  const tileAt = db.prepare<[number, number], Buffer>("SELECT data FROM tile WHERE level=? AND n=?").pluck();
  const hashesAt = db.prepare<[number, number], Buffer>("SELECT leaf_hash FROM entry WHERE idx>=? AND idx<? ORDER BY idx").pluck();
  // A node never changes once it is there, so what was computed is kept; near the leaves only at the right edge.
  const kept = new Map<string, Hash>();
  const read: { readonly n: number; readonly data: Buffer | null }[] = [];

  const tile = (level: number, n: number): Buffer | null => {
    const last = read[level];
    if (last?.n === n && last.data !== null) return last.data;
    const data = tileAt.get(level, n) ?? null;
    read[level] = { n, data };
    return data;
  };
  const row = (level: number, first: number, count: number): readonly Hash[] => {
    const full = tile(level, Math.floor(first / TILE_WIDTH));
    if (full !== null) {
      const from = first % TILE_WIDTH;
      return Array.from({ length: count }, (_, i) => full.subarray((from + i) * HASH_BYTES, (from + i + 1) * HASH_BYTES));
    }
    // The hash of a row above the leaves that no full tile holds is the root of the full tile below it.
    if (level > 0)
      return Array.from({ length: count }, (_, i) => keep(`${8 * level}/${first + i}`, () => rootOfRow(row(level - 1, (first + i) * TILE_WIDTH, TILE_WIDTH))));
    const hashes = hashesAt.all(first, first + count);
    if (hashes.length !== count) throw new HoldfastError("altered", `entries ${first} to ${first + count - 1} are not all there; run holdfast ledger audit`);
    return hashes;
  };
  const keep = (key: string, compute: () => Hash): Hash => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    if (kept.size >= KEPT_NODES) kept.clear();
    const hash = compute();
    kept.set(key, hash);
    return hash;
  };
  return (height, index) => {
    const level = Math.floor(height / 8);
    const count = 2 ** (height % 8);
    const compute = (): Hash => rootOfRow(row(level, index * count, count));
    return level === 0 && tile(0, Math.floor((index * count) / TILE_WIDTH)) !== null ? compute() : keep(`${height}/${index}`, compute);
  };
}
