import { HoldfastError } from "../../core/error.ts";
import { emptyTree, HASH_BYTES, type Hash, nodeHash, TILE_WIDTH, type TreeEdge } from "./merkle.ts";

/** The layout of C2SP tlog-tiles: names of tiles and entry bundles, and what is in them. Pure. */
export type TileLevel = number | "entries";

/** `tile/0/x001/x234/067`, `tile/entries/000.p/8`. `width` 256 is a full tile. */
export function tilePath(level: TileLevel, n: number, width: number): string {
  const groups = [String(n % 1000).padStart(3, "0")];
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  return `tile/${level}/${groups.join("/")}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** The partial tiles on the right edge of a tree: one a level at most; a level without a partial tile is absent. */
export function partialTiles(size: number): readonly { readonly level: number; readonly n: number; readonly width: number }[] {
  const found: { level: number; n: number; width: number }[] = [];
  for (let level = 0, hashes = size; hashes > 0; level += 1, hashes = Math.floor(hashes / TILE_WIDTH)) {
    const width = hashes % TILE_WIDTH;
    if (width > 0) found.push({ level, n: Math.floor(hashes / TILE_WIDTH), width });
  }
  return found;
}

/** Entry bundle: `u16 length ‖ leaf` each, big-endian. */
export function formatBundle(leaves: readonly Uint8Array[]): Buffer {
  const bundle = Buffer.allocUnsafe(leaves.reduce((sum, leaf) => sum + 2 + leaf.length, 0));
  let at = 0;
  for (const leaf of leaves) {
    if (leaf.length > 0xff_ff) throw new RangeError(`a bundle holds leaves of at most 65535 bytes, not ${leaf.length}`);
    at = bundle.writeUInt16BE(leaf.length, at);
    bundle.set(leaf, at);
    at += leaf.length;
  }
  return bundle;
}

/** Strict: exactly `count` leaves and nothing after them. Throws `unverifiable`. */
export function parseBundle(bytes: Buffer, count: number): readonly Buffer[] {
  const leaves: Buffer[] = [];
  let at = 0;
  while (leaves.length < count) {
    const end = at + 2 <= bytes.length ? at + 2 + bytes.readUInt16BE(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new HoldfastError("unverifiable", `the entry bundle ends inside its entry ${leaves.length} of ${count}`);
    leaves.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (at !== bytes.length) throw new HoldfastError("unverifiable", `the entry bundle goes on for ${bytes.length - at} bytes after its ${count} entries`);
  return leaves;
}

/**
 * The right edge of a tree of `size` leaves from its partial tiles alone. What comes out is only as good as the tiles: compare its
 * root with one that was signed. Throws `unverifiable` where a tile has another length.
 */
export function edgeFromTiles(size: number, tile: (level: number, n: number, width: number) => Buffer): TreeEdge {
  const tree = emptyTree();
  tree.size = size;
  for (let hashes = size; hashes > 0; hashes = Math.floor(hashes / TILE_WIDTH)) tree.rows.push([]);
  for (const { level, n, width } of partialTiles(size)) {
    const data = tile(level, n, width);
    if (data.length !== width * HASH_BYTES) throw new HoldfastError("unverifiable", `${tilePath(level, n, width)} has ${data.length} bytes`);
    const row = Array.from({ length: width }, (_, i) => data.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
    tree.rows[level] = row;
    let at = 0;
    for (let bit = 7; bit >= 0; bit -= 1) {
      if ((width & (1 << bit)) === 0) continue;
      tree.peaks[8 * level + bit] = rootOfRow(row.slice(at, at + (1 << bit)));
      at += 1 << bit;
    }
  }
  for (let height = 0; height < tree.peaks.length; height += 1) tree.peaks[height] ??= null;
  return tree;
}

/** Root of 2^k neighbouring subtrees of one height. */
export function rootOfRow(row: readonly Hash[]): Hash {
  let level = row;
  while (level.length > 1) {
    const above: Hash[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) above.push(nodeHash(level[i] ?? Buffer.alloc(0), level[i + 1] ?? Buffer.alloc(0)));
    level = above;
  }
  const [root] = level;
  if (root === undefined) throw new RangeError("an empty row of hashes has no root");
  return root;
}
