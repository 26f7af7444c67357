import { HoldfastError } from "../../core/error.ts";
import { anchorRows, type AnchorRow } from "../anchors/anchor-store.ts";
import type { Hash } from "../format/merkle.ts";
import { readVkeys } from "../keys/log-keys.ts";
import { vkeyText } from "../keys/vkey-list.ts";
import { openForReading } from "../store/database.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";
import { openProver } from "./proof-of.ts";
import { type ProvenActs, provenActs } from "./proven-acts.ts";

/** What a stranger needs to check acts without us: their leaves under one signed head, and what outsiders said (FORMAT.md §17). */
export type Receipt = ProvenActs & {
  readonly origin: string;
  /** The text of `log.vkey`. */
  readonly vkeys: string;
  readonly anchored: readonly AnchoredActs[];
};
/** A kept proof as it is, unchecked, and the way of each act to the root of the head that it vouches for. */
export type AnchoredActs = { readonly row: AnchorRow; readonly acts: readonly { readonly seq: number; readonly path: readonly Hash[] }[] };

/**
 * Of each anchor the earliest proof that covers each act: it puts the act before the earliest time. Nothing that an anchor said is
 * judged here: it is handed on for others to judge. Throws `rollback` where one vouches for more entries than there are.
 */
export function receiptOf(paths: LedgerPaths, seqs: readonly number[], what: string): Receipt {
  const prover = openProver(paths);
  try {
    const proven = provenActs(prover, seqs, what);
    const { origin, size } = proven.checkpoint;
    const anchored = anchorsFor(paths, seqs).map((row): AnchoredActs => {
      if (row.size > size)
        throw new HoldfastError(
          "rollback",
          `${row.kind} vouches for ${row.size} entries of the ledger ${origin}, and here are ${size}; run holdfast ledger audit`,
        );
      return { row, acts: seqs.filter((seq) => seq < row.size).map((seq) => ({ seq, path: prover.path(seq, row.size) })) };
    });
    return { ...proven, origin, vkeys: vkeyText(readVkeys(paths.keys)), anchored };
  } finally {
    prover.close();
  }
}

function anchorsFor(paths: LedgerPaths, seqs: readonly number[]): readonly AnchorRow[] {
  const opened = openForReading(paths.ledger, LEDGER_APPLICATION_ID);
  try {
    const waiting = new Map<string, Set<number>>();
    const needed: AnchorRow[] = [];
    for (const row of anchorRows(opened.db)) {
      const left = waiting.get(row.kind) ?? new Set(seqs);
      const covered = [...left].filter((seq) => seq < row.size);
      for (const seq of covered) left.delete(seq);
      waiting.set(row.kind, left);
      if (covered.length > 0) needed.push(row);
    }
    return needed;
  } finally {
    opened.close();
  }
}
