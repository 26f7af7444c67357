import { HoldfastError } from "../../core/error.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import type { Db } from "../store/database.ts";
import { grow, type Hash, leafHash, rootOf, type Tile, TILE_WIDTH } from "../format/merkle.ts";
import type { Prover } from "../read/proof-of.ts";
import { entryPages } from "../store/replay.ts";
import { edgeFromTiles, formatBundle } from "../format/tlog-tiles.ts";

/** Entries `n` × 256 and on, of which there are `width`; `digest` is over their leaf hashes. */
export type Bundle = { readonly n: number; readonly width: number; readonly digest: Hash };

/**
 * The bundles from `first` to the end of the head, once all their leaves have led to the signed root: grown on the tree of what comes
 * before them, from their bytes. Reads every leaf once; memory is 32 bytes a bundle. Throws `altered` where they do not.
 */
export function verifiedBundles(db: Db, prover: Pick<Prover, "edge">, first: number, head: Checkpoint): readonly Bundle[] {
  const start = first * TILE_WIDTH;
  const tree = edgeFromTiles(start, (level, n, width) => prover.edge(level, n, width));
  const full: Tile[] = [];
  const bundles: Bundle[] = [];
  let hashes: Hash[] = [];
  for (const page of entryPages(db, start, head.size))
    for (const { idx, leaf } of page) {
      if (idx !== tree.size) throw damaged(idx);
      const hash = leafHash(leaf);
      grow(tree, hash, full);
      full.length = 0;
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH && tree.size < head.size) continue;
      bundles.push({ n: first + bundles.length, width: hashes.length, digest: digestOf(hashes) });
      hashes = [];
    }
  if (tree.size !== head.size || !rootOf(tree).equals(head.root))
    throw new HoldfastError(
      "altered",
      `the ${tree.size} entries of the ledger ${head.origin} do not give the root that its head of size ${head.size} signs; run holdfast ledger audit`,
    );
  return bundles;
}

/** The bytes of a bundle, which are those that were verified. */
export function readBundle(db: Db, { n, width, digest }: Bundle): Buffer {
  const leaves = [...entryPages(db, n * TILE_WIDTH, n * TILE_WIDTH + width)].flat().map(({ leaf }) => leaf);
  if (leaves.length !== width || !digestOf(leaves.map(leafHash)).equals(digest)) throw damaged(n * TILE_WIDTH);
  return formatBundle(leaves);
}

/** Only compared with itself. */
function digestOf(hashes: readonly Hash[]): Hash {
  return leafHash(Buffer.concat(hashes));
}

function damaged(seq: number): HoldfastError {
  return new HoldfastError("altered", `the entries of the ledger from ${seq} on are not the ones that were recorded; run holdfast ledger audit`);
}
