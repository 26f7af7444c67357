import type { Act } from "../../core/act.ts";
import { describeError } from "../../core/error.ts";
import { decodeLeaf } from "../format/leaf.ts";
import { copyTree, emptyTree, grow, HASH_BYTES, type Hash, leafHash, rootOf, type Tile, TILE_WIDTH, type TreeEdge } from "../format/merkle.ts";
import type { ActSummary } from "../format/plain-act.ts";
import type { Db } from "../store/database.ts";
import { type EntryRow, entryPages } from "../store/replay.ts";
import type { AuditHands } from "./audit-hands.ts";
import type { SoundPage } from "./page-check.ts";
import type { Problems } from "./problems.ts";

export type EntryWalk = {
  readonly origin: string;
  readonly signal: AbortSignal;
  readonly problems: Problems;
  /** Called for each act that has the right form and is no part of a sound page; or that a rule of custody names, with its verified signer. */
  readonly act: (act: Act, leaf: Uint8Array, signer: string | null) => void;
  /** Called for the acts of a sound page whose place in the log is to be judged. */
  readonly follow: (act: ActSummary) => void;
  /** Called for as many acts of a sound page of which nothing is left to be judged. */
  readonly count: (acts: number) => void;
  /** Whether an act of one of these without a signature is wrong by now. */
  readonly mustSign: (ids: Iterable<string>) => boolean;
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

/**
 * Every leaf hashed from its bytes, every tile recomputed, every leaf decoded: by `hands` a page at a time, and what they do not find
 * sound, entry by entry. Pages keep memory flat and let the signal through.
 */
export async function auditEntries(db: Db, hands: AuditHands, walk: EntryWalk, signedSize: number | null): Promise<EntryFindings> {
  const { problems } = walk;
  const tileAt = db.prepare<[number, number]>("SELECT data FROM tile WHERE level=? AND n=?").pluck();
  const tree = emptyTree();
  let columns: TreeEdge | null = null;
  let rootOfColumns: Hash | null = null;
  const mismatched: number[] = [];
  const full: Tile[] = [];
  let tiles = 0;
  let next = 0;
  const root = (): Hash => rootOf(tree);
  const put = (hash: Hash, column: Hash): void => {
    if (columns !== null) grow(columns, column, []);
    grow(tree, hash, full);
    for (const tile of full) {
      tiles += 1;
      const stored: unknown = tileAt.get(tile.level, tile.n);
      if (!Buffer.isBuffer(stored) || !stored.equals(tile.data))
        problems.add("tile-altered", null, `tile ${tile.level}/${tile.n} does not follow from its entries`);
    }
    full.length = 0;
  };
  const pass = (): void => {
    if (columns !== null && columns.size === signedSize) rootOfColumns = rootOf(columns);
    walk.reached(tree.size, root);
  };
  const look = (row: EntryRow): void => {
    if (row.idx > next)
      problems.add("entry-missing", next, row.idx - next === 1 ? `entry ${next} is missing` : `entries ${next} to ${row.idx - 1} are missing`);
    next = row.idx + 1;
    const hash = leafHash(row.leaf);
    if (!hash.equals(row.hash)) {
      columns ??= copyTree(tree);
      mismatched.push(row.idx);
    }
    put(hash, row.hash);
    decode(walk, row.idx, row.leaf, hash, null);
    pass();
  };
  const lookAtEach = async (from: number, below: number): Promise<void> => {
    for (const page of entryPages(db, from, below)) {
      walk.signal.throwIfAborted();
      for (const row of page) look(row);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const take = ({ hashes, followed }: SoundPage): void => {
    const bytes = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength);
    let at = 0;
    for (let place = 0; place < bytes.length; place += HASH_BYTES) {
      const hash = bytes.subarray(place, place + HASH_BYTES);
      put(hash, hash);
      for (let one = followed[at]; one !== undefined && one.seq === next; one = followed[++at])
        if (one.kind === "whole") decode(walk, next, one.leaf, hash, one.signer);
        else walk.follow(one);
      next += 1;
      pass();
    }
    walk.count(bytes.length / HASH_BYTES - followed.length);
  };

  walk.reached(0, root);
  for await (const { from, to, page } of pagesAhead(hands, endOf(db))) {
    walk.signal.throwIfAborted();
    if (page !== null && !walk.mustSign(page.unsigned)) take(page);
    else await lookAtEach(from, to);
    if (next !== to) break; // a gap may be of any length
  }
  await lookAtEach(next, ALL);
  const strayTiles = Math.max(0, Number(db.prepare("SELECT count(*) FROM tile").pluck().get()) - tiles);
  return { size: tree.size, end: next, gaps: next - tree.size, root: rootOf(tree), mismatched, rootOfColumns, strayTiles };
}

function endOf(db: Db): number {
  return Number(db.prepare("SELECT coalesce(max(idx)+1,0) FROM entry").pluck().get());
}

type Answered = { readonly from: number; readonly to: number; readonly page: SoundPage | null };

/** In order of the log; so many are asked for ahead that nobody has to wait for more. */
async function* pagesAhead(hands: AuditHands, end: number): AsyncGenerator<Answered> {
  const asked: { readonly from: number; readonly to: number; readonly answer: Promise<SoundPage | null> }[] = [];
  for (let from = 0; from < end || asked.length > 0; ) {
    for (; from < end && asked.length < hands.depth; from += TILE_WIDTH) {
      const to = Math.min(from + TILE_WIDTH, end);
      asked.push({ from, to, answer: hands.page(from, to) });
    }
    const first = asked.shift();
    if (first !== undefined) yield { from: first.from, to: first.to, page: await first.answer };
  }
}

function decode(walk: EntryWalk, idx: number, leaf: Uint8Array, hash: Hash, signer: string | null): void {
  let act: Act;
  try {
    act = decodeLeaf(idx, leaf, walk.origin, hash);
  } catch (error) {
    walk.problems.add("leaf-form", idx, describeError(error));
    return;
  }
  walk.act(act, leaf, signer);
}
