import { HoldfastError } from "../../core/error.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import type { ProvenEntry, Prover } from "./proof-of.ts";

const TRIES = 5;

export type ProvenActs = { readonly note: Buffer; readonly checkpoint: Checkpoint; readonly acts: readonly ProvenEntry[] };

/** These acts, all under one and the same signed head. `what` names for whom, in the error where the head does not stand still. */
export function provenActs(prover: Prover, seqs: readonly number[], what: string): ProvenActs {
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const { note, checkpoint } = prover.head();
    const acts = seqs.map((seq) => prover.prove(seq));
    // Another process may move the head meanwhile; one record names one checkpoint.
    if (acts.every((entry) => entry.checkpoint.size === checkpoint.size)) return { note, checkpoint, acts };
  }
  throw new HoldfastError("ledger", `${what}: the head of the ledger moved ${TRIES} times while its record was made; try again`);
}
