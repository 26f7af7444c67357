import type { Act, ActName } from "../../core/act.ts";
import { describeError, HoldfastError } from "../../core/error.ts";
import { isReservedName, twoPersonActs } from "../../core/two-persons.ts";
import { actorFault, registryFault } from "./actor-rules.ts";
import type { CustodyView, Fault, Judged } from "./custody-view.ts";
import { signerOf } from "./signer-of.ts";
import { fingerprintOf } from "./ssh-key.ts";
import { transferFault } from "./transfer-rules.ts";
import { twoPersonFault } from "./two-person-rules.ts";

/** FORMAT.md §13, as a writer asks before it appends and as an audit asks of what it finds. Null where the act may stand. */
export function custodyFault(view: CustodyView, judged: Judged): Fault | null {
  try {
    return nameFault(judged) ?? actorFault(view, judged) ?? twoPersonFault(view, judged) ?? registryFault(view, judged) ?? transferFault(view, judged);
  } catch (error) {
    // What an enrolment asks for is parsed on the way: nonsense there is a fault of the act and not of this program.
    if (error instanceof HoldfastError && error.code === "usage") return { kind: "actor-signature", text: error.message };
    throw error;
  }
}

/** Acts whose names are numbers; each is held to its exact name by its own rule. */
const numbered: readonly ActName[] = ["requested", "approved", "transferred", "acknowledged", ...twoPersonActs];

/** An act that no rule here concerns, but that its actor must not be enrolled. */
export function isOrdinary({ act, actor, once }: Pick<Act, "act" | "once"> & { readonly actor: Pick<Act["actor"], "proof"> }): boolean {
  return actor.proof !== "signed" && !isReservedName(once) && !numbered.includes(act);
}

/** A name that numbers something else would let it pose as a request or an approval. */
function nameFault({ act }: Judged): Fault | null {
  if (!isReservedName(act.once) || numbered.includes(act.act)) return null;
  return { kind: "two-persons", text: `it is named ${JSON.stringify(act.once)}, which is no name for an act ${act.act}` };
}

/** The same of a leaf that was read, whose signature is verified first, unless it is known that the key of this fingerprint made it. */
export function leafFault(view: CustodyView, act: Act, leaf: Uint8Array, signer: string | null = null): Fault | null {
  let key = signer === null ? null : (view.actors.ofKey(signer)?.key ?? null);
  if (act.actor.proof === "signed" && key === null)
    try {
      key = signerOf(leaf, (blob) => view.actors.ofKey(fingerprintOf(blob))?.key ?? null);
    } catch (error) {
      return { kind: "actor-signature", text: describeError(error) };
    }
  return custodyFault(view, { seq: act.seq, act, key });
}
