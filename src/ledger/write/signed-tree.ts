import { HoldfastError } from "../../core/error.ts";
import { type Checkpoint, openCheckpoint } from "../format/checkpoint.ts";
import type { Db } from "../store/database.ts";
import type { Vkey } from "../keys/log-key.ts";
import { leafFault } from "../actors/custody-rules.ts";
import { decodeLeaf } from "../format/leaf.ts";
import { emptyTree, grow, leafHash, rootOf, type Tile, type TreeEdge } from "../format/merkle.ts";
import { type EntryRow, entryPages } from "../store/replay.ts";
import type { Store } from "../store/store.ts";
import { storeView } from "../store/store-view.ts";

/** The tree as recomputed from the leaves, and the head that was signed for it. */
export type SignedTree = { tree: TreeEdge; signed: Checkpoint; body: Buffer };

export type TreeContext = { readonly db: Db; readonly store: Store; readonly origin: string; readonly vkeys: readonly Vkey[] };

/**
 * Brings a tree up to a head: every leaf that is new to it is hashed from its bytes, and the root must be the signed one at the
 * signed size. Done from leaf 0 at start (the self-audit), and for what other processes appended before each batch; being one
 * growing tree, it proves that each head is a prefix of the next. Throws `rollback` or `fork`; nothing may be signed then.
 */
export function followHead(context: TreeContext, known: SignedTree | null, body: Buffer): SignedTree {
  if (known?.body.equals(body)) return known;
  const signed = openHeadNote(context, body);
  if (known !== null && signed.size < known.signed.size)
    throw state("rollback", context, `head.db says size ${signed.size}, and this process has seen size ${known.signed.size} signed`);
  const tree = known?.tree ?? emptyTree();
  if (tree.size > signed.size) throw state("rollback", context, `head.db says size ${signed.size} for a ledger already followed to ${tree.size}`);
  growTo(context, tree, signed.size);
  if (!rootOf(tree).equals(signed.root))
    throw state(
      "fork",
      context,
      `its ${signed.size} entries give the root ${rootOf(tree).toString("base64")}, and ${signed.root.toString("base64")} was signed`,
    );
  return { tree, signed, body };
}

/** Takes in entries that were committed and not signed for: what a crash between commit and swap leaves. Call under the head's lock. */
export function followTail(context: TreeContext, known: SignedTree): void {
  const size = context.store.size();
  if (size < known.tree.size) throw state("rollback", context, `it has ${size} entries, and ${known.tree.size} were there before`);
  // Only what a writer could have written is signed for: whoever can write the file must not get our signature on anything else.
  growTo(context, known.tree, size, (row) => demandForm(context, row));
  const newest = context.store.newestNote();
  if (newest !== null && newest.size > known.signed.size)
    throw state("rollback", context, `it holds the note of a head of size ${newest.size}, and head.db says ${known.signed.size}`);
  if (newest !== null && newest.size === known.signed.size && !newest.note.equals(known.body))
    throw state("fork", context, `two different notes were signed for size ${newest.size}`);
}

function openHeadNote(context: TreeContext, body: Buffer): Checkpoint {
  try {
    return openCheckpoint(body, context.origin, context.vkeys);
  } catch (error) {
    throw new HoldfastError(
      "fork",
      `the head of ledger ${context.origin} was not signed by this ledger's keys; nothing is signed on top of it, keep all files and run holdfast ledger audit`,
      error,
    );
  }
}

function demandForm(context: TreeContext, row: EntryRow): void {
  let fault: string | null;
  try {
    const view = storeView(context.store, context.origin, row.idx);
    view.refresh();
    fault = leafFault(view, decodeLeaf(row.idx, row.leaf, context.origin), row.leaf)?.text ?? null;
  } catch (error) {
    throw state("fork", context, `entry ${row.idx} was never signed for and is not an act`, error);
  }
  // Whoever can put a row into the file must not get the log's signature on an act in another's name.
  if (fault !== null) throw state("fork", context, `entry ${row.idx} was never signed for and may not stand there: ${fault}`);
}

function growTo(context: TreeContext, tree: TreeEdge, size: number, look: (row: EntryRow) => void = () => undefined): void {
  if (tree.size === size) return; // the rule for each commit, which then prepares no statement
  const full: Tile[] = [];
  for (const page of entryPages(context.db, tree.size, size))
    for (const row of page) {
      const hash = leafHash(row.leaf);
      if (row.idx !== tree.size || !hash.equals(row.hash)) throw state("fork", context, `entry ${tree.size} is not the one that was recorded`);
      look(row);
      grow(tree, hash, full);
      for (const tile of full)
        if (context.store.tile(tile.level, tile.n)?.equals(tile.data) !== true)
          throw state("fork", context, `tile ${tile.level}/${tile.n} does not follow from its entries`);
      full.length = 0;
    }
  if (tree.size < size) throw state("rollback", context, `it has ${tree.size} entries, and a head of size ${size} was signed`);
}

function state(code: "rollback" | "fork", context: TreeContext, what: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    code,
    `${code.toUpperCase()}: the ledger ${context.origin} is not the one that was signed: ${what}. Nothing more is signed; keep all its files for examination and run holdfast ledger audit`,
    cause,
  );
}
