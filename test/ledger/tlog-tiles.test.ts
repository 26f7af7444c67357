import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyTree, grow, leafHash, rootOf, type Tile } from "../../src/ledger/format/merkle.ts";
import { edgeFromTiles, formatBundle, parseBundle, partialTiles, tilePath } from "../../src/ledger/format/tlog-tiles.ts";
import vectors from "../vectors/merkle.json" with { type: "json" };

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const leaves = vectors.leaves.map((hex) => Buffer.from(hex, "hex"));

describe("the layout of tlog-tiles", () => {
  test.for([
    [0, 0, 256, "tile/0/000"],
    [0, 1234067, 256, "tile/0/x001/x234/067"],
    [1, 12, 17, "tile/1/012.p/17"],
    ["entries", 1000, 1, "tile/entries/x001/000.p/1"],
  ] as const)("tile %s %s of width %s is %s", ([level, n, width, path]) => {
    expect(tilePath(level, n, width)).toBe(path);
  });

  test("has the partial tiles that the sizes give", () => {
    const shape = (size: number): readonly string[] => partialTiles(size).map((t) => tilePath(t.level, t.n, t.width));
    expect(shape(0)).toEqual([]);
    expect(shape(256)).toEqual(["tile/1/000.p/1"]);
    expect(shape(70_000)).toEqual(["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    expect(shape(65_536)).toEqual(["tile/2/000.p/1"]);
  });

  test("has the bytes of the vectors that two other programs computed", () => {
    const bundle = formatBundle(leaves);
    expect([bundle.length, sha256(bundle)]).toEqual([50, "1afdc32f06ff88236207410a37b10ff2b5647186b52a531da0416d539b15a876"]);
    const tile = Buffer.concat(leaves.map(leafHash));
    expect([tile.length, sha256(tile)]).toEqual([256, "aea2f1bbb5140fd5f8eacb503fdf54c00c3d860c72588e40233addd416bc8f10"]);
    expect(parseBundle(bundle, 8)).toEqual(leaves);
  });

  test.for([
    ["cut short", (b: Buffer) => b.subarray(0, -1), 8],
    ["cut inside a length", (b: Buffer) => b.subarray(0, 5), 3],
    ["with a byte too many", (b: Buffer) => Buffer.concat([b, Buffer.of(0)]), 8],
    ["with an entry too many", (b: Buffer) => b, 7],
    ["with an entry too few", (b: Buffer) => b, 9],
  ] as const)("a bundle %s is refused", ([, change, count]) => {
    expect(() => parseBundle(change(formatBundle(leaves)), count)).toThrow(/entry bundle/);
  });

  test("the edge read from partial tiles is the edge that was grown", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), (size) => {
        const tree = emptyTree();
        const full: Tile[] = [];
        for (let i = 0; i < size; i += 1) grow(tree, leafHash(Buffer.of(i & 0xff, i >> 8)), full);
        const edge = edgeFromTiles(size, (level) => Buffer.concat(tree.rows[level] ?? []));
        expect(rootOf(edge).equals(rootOf(tree))).toBe(true);
        for (const t of [tree, edge]) for (let i = 0; i < 300; i += 1) grow(t, leafHash(Buffer.from(`more ${i}`)), full);
        expect(rootOf(edge).equals(rootOf(tree))).toBe(true);
      }),
      { numRuns: 12 },
    );
  });
});
