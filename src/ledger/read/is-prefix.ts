import type { Checkpoint } from "../format/checkpoint.ts";
import { verifyConsistency } from "../format/merkle-proof.ts";
import type { Prover } from "./proof-of.ts";

/** Whether a head of `size` entries, not beyond ours, is an earlier one of the same history (RFC 6962 §2.1.2). Proven, not assumed. */
export function isPrefix({ size, root }: Pick<Checkpoint, "size" | "root">, ours: Checkpoint, prover: Pick<Prover, "consistency">): boolean {
  return verifyConsistency(size, ours.size, prover.consistency(size, ours.size), root, ours.root);
}
