import type { Act } from "../../core/act.ts";
import { describeError } from "../../core/error.ts";
import type { Db } from "../store/database.ts";
import { decodeLeaf } from "../format/leaf.ts";
import { copyTree, emptyTree, grow, type Hash, leafHash, rootOf, type Tile, type TreeEdge } from "../format/merkle.ts";
import type { Problems } from "./problems.ts";
import { entryPages } from "../store/replay.ts";

export type EntryWalk = {
  readonly origin: string;
  readonly signal: AbortSignal;
  readonly problems: Problems;
  /** Called for each act that has the right form. */
  readonly act: (act: Act, leaf: Buffer) => void;
  /** Called when the tree has reached this size, from 0 on. */
  readonly reached: (size: number, root: () => Hash) => void;
};

/** What the leaves give. `end` is one past the last index, `gaps` counts the indices missing before it, `mismatched` are the entries whose hash column is not the hash of their leaf. */
export type EntryFindings = {
  readonly size: number;
  readonly end: number;
  readonly gaps: number;
  readonly root: Hash;
  readonly mismatched: readonly number[];
  /** Root at `signedSize` as the hash columns give it; null where no column differs. */
  readonly rootOfColumns: Hash | null;
  /** Stored tiles beyond those that the entries give. */
  readonly strayTiles: number;
};

const ALL = Number.MAX_SAFE_INTEGER;

/** Every leaf hashed from its bytes, every tile recomputed, every leaf decoded. Pages keep memory flat and let the signal through. */
export async function auditEntries(db: Db, walk: EntryWalk, signedSize: number | null): Promise<EntryFindings> {
  const { problems } = walk;
  const tileAt = db.prepare<[number, number]>("SELECT data FROM tile WHERE level=? AND n=?").pluck();
  const tree = emptyTree();
  let columns: TreeEdge | null = null;
  let rootOfColumns: Hash | null = null;
  const mismatched: number[] = [];
  const full: Tile[] = [];
  let tiles = 0;
  let next = 0;
  walk.reached(0, () => rootOf(tree));
  for (const page of entryPages(db, 0, ALL)) {
    walk.signal.throwIfAborted();
    for (const row of page) {
      if (row.idx > next)
        problems.add("entry-missing", next, row.idx - next === 1 ? `entry ${next} is missing` : `entries ${next} to ${row.idx - 1} are missing`);
      next = row.idx + 1;
      const hash = leafHash(row.leaf);
      if (!hash.equals(row.hash)) {
        columns ??= copyTree(tree);
        mismatched.push(row.idx);
      }
      if (columns !== null) grow(columns, row.hash, []);
      grow(tree, hash, full);
      for (const tile of full) {
        tiles += 1;
        const stored: unknown = tileAt.get(tile.level, tile.n);
        if (!Buffer.isBuffer(stored) || !stored.equals(tile.data))
          problems.add("tile-altered", null, `tile ${tile.level}/${tile.n} does not follow from its entries`);
      }
      full.length = 0;
      decode(walk, row.idx, row.leaf, hash);
      if (columns !== null && columns.size === signedSize) rootOfColumns = rootOf(columns);
      walk.reached(tree.size, () => rootOf(tree));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const strayTiles = Math.max(0, Number(db.prepare("SELECT count(*) FROM tile").pluck().get()) - tiles);
  return { size: tree.size, end: next, gaps: next - tree.size, root: rootOf(tree), mismatched, rootOfColumns, strayTiles };
}

function decode(walk: EntryWalk, idx: number, leaf: Buffer, hash: Hash): void {
  let act: Act;
  try {
    act = decodeLeaf(idx, leaf, walk.origin, hash);
  } catch (error) {
    walk.problems.add("leaf-form", idx, describeError(error));
    return;
  }
  walk.act(act, leaf);
}
