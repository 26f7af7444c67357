import type { Fetch } from "../../core/ports.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import type { Hash } from "../format/merkle.ts";
import { parseNote } from "../format/note.ts";
import { addCheckpoint, cosignedNote, type Witness } from "./witness-client.ts";

/** A signed head of ours, and how to prove that it only grew. `prove` is RFC 6962 §2.1.2 from a smaller size. */
export type OwnHead = { readonly note: Buffer; readonly checkpoint: Checkpoint; readonly prove: (from: number) => readonly Hash[] };

/** What came of asking a witness to vouch for a head. `rollback` and `fork` are its word: its answer to them is not signed. */
export type WitnessOutcome =
  | { readonly kind: "cosigned"; readonly bytes: Buffer; readonly time: number }
  | { readonly kind: "rollback"; readonly known: number; readonly text: string }
  | { readonly kind: "fork"; readonly text: string }
  | { readonly kind: "misconfigured"; readonly text: string }
  | { readonly kind: "broken"; readonly text: string };

// The first try may name a size that it no longer holds, the second may race with another process of ours.
const TRIES = 3;

/**
 * Asks the witness to cosign the head, from the size it is thought to hold, and once more from the size it says it holds. A size
 * beyond the head is a rollback only if no newer head of ours explains it: the caller looks. Throws only the reason of `signal`.
 */
export async function cosign(witness: Witness, head: OwnHead, thoughtToHold: number, fetch: Fetch, signal: AbortSignal): Promise<WitnessOutcome> {
  const { size } = head.checkpoint;
  let old = Math.min(thoughtToHold, size);
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const answer = await addCheckpoint(witness, { old, proof: head.prove(old), note: head.note, checkpoint: head.checkpoint }, fetch, signal);
    switch (answer.kind) {
      case "cosigned":
        return { kind: "cosigned", bytes: Buffer.from(cosignedNote(parseNote(head.note), answer.line)), time: answer.time };
      case "knows":
        if (answer.size > size)
          return {
            kind: "rollback",
            known: answer.size,
            text: `witness ${witness.name} has seen ${answer.size} entries of this log, and here are ${size}: it was rolled back, or this is an older copy of it`,
          };
        if (answer.size === old) return { kind: "broken", text: `it says that it holds ${old} entries, and refuses to go on from there` };
        old = answer.size;
        break;
      case "fork":
        return {
          kind: "fork",
          text: `witness ${witness.name} has seen another history of this log: the ${old === size ? "root" : `tree of ${old} entries`} that it cosigned is not that of the ${size} entries here${answer.text}`,
        };
      case "misconfigured":
      case "broken":
        return answer;
      default:
        return answer satisfies never;
    }
  }
  return { kind: "broken", text: `it named another size each of ${TRIES} times` };
}
