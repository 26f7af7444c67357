import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copyTree, emptyTree, grow, type Hash, leafHash, rootOf, type Tile, type TreeEdge } from "../../src/ledger/format/merkle.ts";
import { consistencyProof, inclusionProof, type NodeSource, verifyConsistency, verifyInclusion } from "../../src/ledger/format/merkle-proof.ts";
import vectors from "../vectors/merkle.json" with { type: "json" };

const leaves = vectors.leaves.map((hex) => Buffer.from(hex, "hex"));

/** RFC 6962 §2.1 as it is written, and nothing of ours. */
function naive(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return hash("sha256", "", "buffer");
  if (hashes.length === 1) return hashes[0] ?? Buffer.alloc(0);
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return hash("sha256", Buffer.concat([Buffer.of(1), naive(hashes.slice(0, k)), naive(hashes.slice(k))]), "buffer");
}
const naiveLeaf = (leaf: Uint8Array): Hash => hash("sha256", Buffer.concat([Buffer.of(0), leaf]), "buffer");

function treeOf(hashes: readonly Hash[]): { tree: TreeEdge; tiles: Tile[] } {
  const tree = emptyTree();
  const tiles: Tile[] = [];
  for (const h of hashes) grow(tree, h, tiles);
  return { tree, tiles };
}
const nodesOf =
  (hashes: readonly Hash[]): NodeSource =>
  (height, index) =>
    naive(hashes.slice(index * 2 ** height, (index + 1) * 2 ** height));
const manyHashes = Array.from({ length: 600 }, (_, i) => naiveLeaf(Buffer.from(String(i))));

describe("published vectors", () => {
  test.for(vectors.roots.map((root, size) => ({ root, size })))("the tree of $size leaves has its known root", ({ root, size }) => {
    expect(rootOf(treeOf(leaves.slice(0, size).map(leafHash)).tree).toString("hex")).toBe(root);
  });

  test.for(vectors.consistency)("the consistency proof $from → $to is the known one and verifies", ({ from, to, proof }) => {
    const hashes = leaves.map(leafHash);
    expect(consistencyProof(nodesOf(hashes), from, to).map((h) => h.toString("hex"))).toEqual(proof);
    const root = (n: number): Hash => Buffer.from(vectors.roots[n] ?? "", "hex");
    expect(
      verifyConsistency(
        from,
        to,
        proof.map((h) => Buffer.from(h, "hex")),
        root(from),
        root(to),
      ),
    ).toBe(true);
  });

  test("the inclusion proof of leaf 5 of 8 is the known one and verifies", () => {
    const { index, size, proof } = vectors.inclusion;
    const hashes = leaves.map(leafHash);
    expect(inclusionProof(nodesOf(hashes), index, size).map((h) => h.toString("base64"))).toEqual(proof);
    const root = Buffer.from(vectors.roots[8] ?? "", "hex");
    expect(
      verifyInclusion(
        hashes[index] ?? Buffer.alloc(0),
        index,
        size,
        proof.map((h) => Buffer.from(h, "base64")),
        root,
      ),
    ).toBe(true);
  });

  test("the partial tile and the entry bundle of eight leaves have their known bytes", () => {
    const tile = Buffer.concat(treeOf(leaves.map(leafHash)).tree.rows[0] ?? []);
    expect([tile.length, hash("sha256", tile)]).toEqual([vectors.tile8.bytes, vectors.tile8.sha256]);
    const bundle = Buffer.concat(leaves.flatMap((leaf) => [Buffer.of(leaf.length >> 8, leaf.length & 255), leaf]));
    expect([bundle.length, hash("sha256", bundle)]).toEqual([vectors.entries8.bytes, vectors.entries8.sha256]);
  });

  test.for(vectors.tiles)("$size leaves fill $full tiles and leave $partial hashes", ({ size, full, partial }) => {
    const { tree, tiles } = treeOf(Array.from({ length: size }, () => leafHash(Buffer.alloc(1))));
    expect(full.map((_, level) => tiles.filter((t) => t.level === level).length)).toEqual(full);
    expect(tiles.length).toBe(full.reduce((a, b) => a + b, 0));
    expect(tree.rows.map((row) => row.length)).toEqual(partial);
  });

  test("an inner node is not hashed like merkletreejs hashes it", () => {
    expect(vectors.roots[5]?.startsWith(vectors.withoutPrefix5.begins)).toBe(false);
  });
});

describe("against the recursive definition", () => {
  test("every size up to 600 has the root of the definition, and tiles are the nodes of the tree", () => {
    const tree = emptyTree();
    const tiles: Tile[] = [];
    for (const [i, h] of manyHashes.entries()) {
      grow(tree, h, tiles);
      if (i % 37 === 0 || i > 590 || (i > 250 && i < 260)) expect(rootOf(tree)).toEqual(naive(manyHashes.slice(0, i + 1)));
    }
    expect(tiles.map((t) => [t.level, t.n])).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(tiles[1]?.data).toEqual(Buffer.concat(manyHashes.slice(256, 512)));
    expect(tree.rows[1]).toEqual([naive(manyHashes.slice(0, 256)), naive(manyHashes.slice(256, 512))]);
  });

  test("a copy of a tree grows without the original", () => {
    const { tree } = treeOf(manyHashes.slice(0, 300));
    const before = rootOf(tree);
    const copy = copyTree(tree);
    for (const h of manyHashes.slice(300)) grow(copy, h, []);
    expect(rootOf(tree)).toEqual(before);
    expect(tree.rows[0]?.length).toBe(44);
    expect(rootOf(copy)).toEqual(naive(manyHashes));
  });

  const sizes = fc.integer({ min: 1, max: 200 }).chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })));

  test("a proof of inclusion verifies for its own index and size and for no other", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }), ([size, index], di, ds) => {
        const hashes = manyHashes.slice(0, size);
        const leaf = hashes[index] ?? Buffer.alloc(0);
        const proof = inclusionProof(nodesOf(hashes), index, size);
        const root = naive(hashes);
        expect(verifyInclusion(leaf, index, size, proof, root)).toBe(true);
        if (di !== 0) expect(verifyInclusion(leaf, index + di, size, proof, root)).toBe(false);
        // Another size may share the path's shape, but then never its root.
        if (ds !== 0 && size + ds > index) expect(verifyInclusion(leaf, index, size + ds, proof, naive(manyHashes.slice(0, size + ds)))).toBe(false);
        expect(verifyInclusion(leaf, index, size, [...proof, root], root)).toBe(false);
        expect(verifyInclusion(leaf, index, size, proof.slice(1), root)).toBe(proof.length === 0);
        expect(verifyInclusion(leafHash(Buffer.from("x")), index, size, proof, root)).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  test("a proof of consistency verifies for its own two sizes and roots, and fails after any change", () => {
    fc.assert(
      fc.property(sizes, fc.nat(), ([to, smaller], bit) => {
        const from = smaller + 1;
        const hashes = manyHashes.slice(0, to);
        const proof = consistencyProof(nodesOf(hashes), from, to);
        const [old, now] = [naive(hashes.slice(0, from)), naive(hashes)];
        expect(proof.length).toBeLessThanOrEqual(63);
        expect(verifyConsistency(from, to, proof, old, now)).toBe(true);
        expect(verifyConsistency(from, to, [...proof, now], old, now)).toBe(false);
        if (proof.length > 0) {
          expect(verifyConsistency(from, to, proof.slice(0, -1), old, now)).toBe(false);
          const changed = proof.map((h) => Buffer.from(h));
          const target = changed[bit % changed.length];
          if (target !== undefined) target[bit % 32] = (target[bit % 32] ?? 0) ^ 1;
          expect(verifyConsistency(from, to, changed, old, now)).toBe(false);
          expect(verifyConsistency(from, to, proof, now, now)).toBe(false);
        }
        const forged = [...hashes];
        forged[from - 1] = leafHash(Buffer.from("forged"));
        if (from < to) expect(verifyConsistency(from, to, consistencyProof(nodesOf(forged), from, to), old, naive(forged))).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  test("nothing is proven about a tree that is not there", () => {
    expect(() => inclusionProof(nodesOf(manyHashes), 5, 5)).toThrow(RangeError);
    expect(() => consistencyProof(nodesOf(manyHashes), 6, 5)).toThrow(RangeError);
    expect(verifyInclusion(Buffer.alloc(32), 0, 0, [], Buffer.alloc(32))).toBe(false);
    expect(verifyInclusion(Buffer.alloc(32), -1, 1, [], Buffer.alloc(32))).toBe(false);
    expect(verifyConsistency(2, 1, [], Buffer.alloc(32), Buffer.alloc(32))).toBe(false);
  });
});
