import { HoldfastError } from "../../core/error.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import type { MirrorSight } from "./mirror-look.ts";
import { isPrefix } from "../read/is-prefix.ts";
import type { Prover } from "../read/proof-of.ts";

export type MirrorState =
  | { readonly kind: "empty" }
  /** What is mirrored is a prefix of this ledger, or all of it. */
  | { readonly kind: "agrees"; readonly size: number }
  | { readonly kind: "rollback"; readonly size: number; readonly text: string }
  | { readonly kind: "fork"; readonly size: number; readonly text: string };

/** Holds the newest mirrored checkpoint against our signed head. That the older is a prefix of the newer is proven, not assumed. */
export function judgeMirror(vault: string, sight: MirrorSight, ours: Checkpoint, prover: Pick<Prover, "consistency">): MirrorState {
  if (sight.split !== null) {
    const { one, other } = sight.split;
    return {
      kind: "fork",
      size: one.size,
      text: `vault ${vault} keeps two checkpoints of size ${one.size} that this log's keys signed, of roots ${one.root.toString("base64")} and ${other.root.toString("base64")}, and this ledger has ${ours.size} entries: the keys signed two histories`,
    };
  }
  if (sight.foreign)
    return {
      kind: "fork",
      size: Math.max(0, sight.largest),
      text: `vault ${vault} mirrors a log of this origin under other keys, with a checkpoint of ${Math.max(0, sight.largest)} entries, and this ledger has ${ours.size}: it was begun anew under an origin that is in use. Move it away and bring the old one back with holdfast restore, or choose another origin`,
    };
  if (sight.newest === null) return { kind: "empty" };
  const { size } = sight.newest.checkpoint;
  if (size > ours.size)
    return {
      kind: "rollback",
      size,
      text: `vault ${vault} keeps a signed checkpoint of ${size} entries, and this ledger has ${ours.size}: it was rolled back, or this is an older copy of it`,
    };
  if (!isPrefix(sight.newest.checkpoint, ours, prover))
    return {
      kind: "fork",
      size,
      text: `the signed checkpoint of ${size} entries that vault ${vault} keeps is not of this ledger of ${ours.size} entries: it is another history of the same log`,
    };
  return { kind: "agrees", size };
}

/** Throws `rollback` or `fork`: nothing may be signed then. */
export function demandAgreement(origin: string, state: MirrorState): void {
  if (state.kind === "rollback" || state.kind === "fork")
    throw new HoldfastError(
      state.kind,
      `${state.kind.toUpperCase()}: the ledger ${origin} is not the one that was mirrored: ${state.text}. Nothing is signed; keep all files for examination and run holdfast ledger audit`,
    );
}
