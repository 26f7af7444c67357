import { EMPTY_ROOT, type Hash, nodeHash } from "./merkle.ts";

/** Gives the root of the complete subtree of 2^height leaves that begins at leaf index × 2^height. */
export type NodeSource = (height: number, index: number) => Hash;

/** Largest power of two below n, for n > 1. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** Merkle tree hash of leaves [start, end), RFC 6962 §2.1. `start` must be aligned as the recursion of a tree from 0 aligns it. */
export function subtreeRoot(nodes: NodeSource, start: number, end: number): Hash {
  const count = end - start;
  if (count === 0) return EMPTY_ROOT;
  const height = Math.log2(count);
  if (Number.isInteger(height) && start % count === 0) return nodes(height, start / count);
  const middle = start + split(count);
  return nodeHash(subtreeRoot(nodes, start, middle), subtreeRoot(nodes, middle, end));
}

/** Audit path of leaf `index` in the tree of `size` leaves, leaf to root (RFC 6962 §2.1.1). */
export function inclusionProof(nodes: NodeSource, index: number, size: number): Hash[] {
  demand(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  const path = (start: number, end: number): Hash[] => {
    if (end - start === 1) return [];
    const middle = start + split(end - start);
    return index < middle ? [...path(start, middle), subtreeRoot(nodes, middle, end)] : [...path(middle, end), subtreeRoot(nodes, start, middle)];
  };
  return path(0, size);
}

/** Proof that the tree of `from` leaves is a prefix of the tree of `to` leaves (RFC 6962 §2.1.2). */
export function consistencyProof(nodes: NodeSource, from: number, to: number): Hash[] {
  demand(from);
  demand(to);
  if (from > to) throw new RangeError(`a tree of ${to} leaves has no prefix of ${from}`);
  if (from === 0 || from === to) return [];
  const prove = (start: number, end: number, whole: boolean): Hash[] => {
    if (end === from) return whole ? [] : [subtreeRoot(nodes, start, end)];
    const middle = start + split(end - start);
    return from <= middle
      ? [...prove(start, middle, whole), subtreeRoot(nodes, middle, end)]
      : [...prove(middle, end, false), subtreeRoot(nodes, start, middle)];
  };
  return prove(0, to, true);
}

/** True only for a proof of exactly the right length for (index, size): an over-long proof would let one proof serve several sizes. */
export function verifyInclusion(leaf: Hash, index: number, size: number, proof: readonly Hash[], root: Hash): boolean {
  if (!whole(index) || !whole(size) || index >= size) return false;
  const at = { next: 0 };
  const climb = (start: number, end: number): Hash | null => {
    if (end - start === 1) return leaf;
    const middle = start + split(end - start);
    const inner = index < middle ? climb(start, middle) : climb(middle, end);
    const sibling = take(proof, at);
    if (inner === null || sibling === null) return null;
    return index < middle ? nodeHash(inner, sibling) : nodeHash(sibling, inner);
  };
  const found = climb(0, size);
  return found !== null && at.next === proof.length && found.equals(root);
}

/** Both roots are recomputed from the proof, with both sizes (certificate-transparency-rfcs #100). */
export function verifyConsistency(from: number, to: number, proof: readonly Hash[], fromRoot: Hash, toRoot: Hash): boolean {
  if (!whole(from) || !whole(to) || from > to) return false;
  if (from === 0) return proof.length === 0 && fromRoot.equals(EMPTY_ROOT) && (to > 0 || toRoot.equals(EMPTY_ROOT));
  if (from === to) return proof.length === 0 && fromRoot.equals(toRoot);
  const at = { next: 0 };
  const climb = (start: number, end: number, whole: boolean): { old: Hash; now: Hash } | null => {
    if (end === from) {
      const known = whole ? fromRoot : take(proof, at);
      return known === null ? null : { old: known, now: known };
    }
    const middle = start + split(end - start);
    const inner = from <= middle ? climb(start, middle, whole) : climb(middle, end, false);
    const sibling = take(proof, at);
    if (inner === null || sibling === null) return null;
    return from <= middle ? { old: inner.old, now: nodeHash(inner.now, sibling) } : { old: nodeHash(sibling, inner.old), now: nodeHash(sibling, inner.now) };
  };
  const found = climb(0, to, true);
  return found !== null && at.next === proof.length && found.old.equals(fromRoot) && found.now.equals(toRoot);
}

function take(proof: readonly Hash[], at: { next: number }): Hash | null {
  const hash = proof[at.next];
  at.next += 1;
  return hash?.length === 32 ? hash : null;
}

function whole(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function demand(size: number): void {
  if (!whole(size)) throw new RangeError(`a tree size is a non-negative integer, not ${size}`);
}
