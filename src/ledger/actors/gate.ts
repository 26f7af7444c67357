import type { ActorSigner } from "../../core/actor-signer.ts";
import type { ActDraft } from "../../core/act.ts";
import { actDraft } from "../../core/act-draft.ts";
import { parseExhibitId } from "../../core/case.ts";
import { HoldfastError } from "../../core/error.ts";
import { isReservedName, isTwoPersonAct, onceOf, WRITER_ID } from "../../core/two-persons.ts";
import { custodyFault } from "./custody-rules.ts";
import type { CustodyView } from "./custody-view.ts";
import { type LeafSignature, pae, PAYLOAD_TYPE, payloadOf } from "../format/leaf.ts";
import type { Predicate } from "../format/predicate.ts";
import { parseSshKey, type SshKey } from "./ssh-key.ts";
import type { Store } from "../store/store.ts";
import { verifiedSigner } from "./signer-of.ts";

/** An act that the rules refuse. The writer records that it was tried; the caller gets the sentence. */
export class RefusedAct extends HoldfastError {
  readonly tried: Predicate;
  /** Fingerprint of the key at hand. */
  readonly key: string | null;
  readonly why: string;
  constructor(tried: Predicate, key: string | null, why: string) {
    super("refused", `the act ${tried.act} of ${tried.actor.id} is refused, and that is recorded: ${why}`);
    this.tried = tried;
    this.key = key;
    this.why = why;
  }
}

/** A leaf has room for these. */
const MAX_NAMED = 100;
const MAX_TEXT = 2_000;

/** What may be written: at once, or after its actor has signed the payload. */
export type Passed = { readonly predicate: Predicate; readonly payload: Buffer; readonly sign: (() => Promise<LeafSignature>) | null };

/** The names that number requests, approvals and enrolments are given here, inside the transaction: nobody else may take one. */
export function withName(view: CustodyView, draft: ActDraft): ActDraft {
  if (isReservedName(draft.once))
    throw new HoldfastError("usage", `the act ${draft.act}: once ${JSON.stringify(draft.once)} is a name that the ledger gives itself`);
  const request = draft.detail["request"];
  if (draft.act === "actor-enrolled" || draft.act === "actor-revoked") return { ...draft, once: onceOf.actor(view.actors.count()) };
  if (draft.act === "requested") {
    const number = String(view.requests() + 1);
    return { ...draft, once: onceOf.request(number), detail: { ...draft.detail, request: number } };
  }
  if (draft.act === "transferred") {
    const number = String(view.transfers() + 1);
    return { ...draft, once: onceOf.transfer(number), detail: { ...draft.detail, transfer: number } };
  }
  const transfer = draft.detail["transfer"];
  if (draft.act === "acknowledged" && typeof transfer === "string") return { ...draft, once: onceOf.acknowledgement(transfer) };
  if (typeof request !== "string") return draft;
  if (draft.act === "approved") return { ...draft, once: onceOf.approval(request) };
  return isTwoPersonAct(draft.act) ? { ...draft, once: onceOf.done(request) } : draft;
}

/**
 * Lets an act pass or throws RefusedAct. An act of the signer's own id is signed, once its key is enrolled or where the act enrols
 * it; what was signed is verified before it may stand in the log.
 */
export function pass(view: CustodyView, predicate: Predicate, seq: number, signer: ActorSigner | null): Passed {
  const key = signer === null || signer.actor !== predicate.actor.id ? null : keyOf(view, signer);
  const signed = signer !== null && key !== null ? asSigned(view, predicate, seq) : predicate;
  // Whose key is not enrolled stays asserted, unless only the signature could let the act pass.
  const unsigned = custodyFault(view, { seq, act: predicate, key: null });
  const wanted = key !== null && (unsigned !== null || view.actors.ofKey(key.fingerprint) !== null) ? signed : predicate;
  const fault = wanted === predicate ? unsigned : custodyFault(view, { seq, act: wanted, key });
  if (fault !== null) throw new RefusedAct(wanted, key?.fingerprint ?? null, fault.text);
  const payload = payloadOf(view.origin, wanted);
  if (wanted.actor.proof !== "signed" || signer === null || key === null) return { predicate: wanted, payload, sign: null };
  return { predicate: wanted, payload, sign: () => signature(signer, key, wanted, payload) };
}

/** One that is enrolled was parsed when the registry was read. */
function keyOf(view: CustodyView, signer: ActorSigner): SshKey {
  return view.actors.list().find((enrolment) => enrolment.key.line === signer.publicKey)?.key ?? parseSshKey(signer.publicKey, "the key of the actor");
}

/** The place is part of what is signed, so that a signature is worth nothing at another place or in another log. */
function asSigned(view: CustodyView, predicate: Predicate, seq: number): Predicate {
  return { ...predicate, actor: { ...predicate.actor, proof: "signed" }, detail: { ...predicate.detail, entry: { log: view.origin, seq: String(seq) } } };
}

async function signature(signer: ActorSigner, key: SshKey, act: Predicate, payload: Buffer): Promise<LeafSignature> {
  const found = { keyid: key.fingerprint, sig: Buffer.from(await signer.sign(pae(PAYLOAD_TYPE, payload))) };
  try {
    verifiedSigner(payload, found, (blob) => (blob.equals(key.blob) ? key : null));
    return found;
  } catch (error) {
    throw new RefusedAct(act, key.fingerprint, error instanceof Error ? error.message : String(error));
  }
}

/** The act that says that another one was refused: by this program, in nobody's name. */
export function refusalOf(store: Store, { tried, key, why }: RefusedAct): ActDraft {
  const request = tried.detail["request"];
  const there = tried.exhibits.filter(({ id }) => {
    const { caseId, number } = parseExhibitId(id);
    return store.lastAct(caseId, number) !== null; // what the refused call would have begun is not there
  });
  return actDraft(
    "refused",
    { id: WRITER_ID, kind: "machine", proof: "asserted" },
    {
      reason: tried.reason,
      authority: tried.authority,
      case: tried.case,
      target: tried.target,
      exhibits: there.slice(0, MAX_NAMED).map((e) => e.id),
      detail: {
        act: tried.act,
        actor: { id: tried.actor.id, kind: tried.actor.kind },
        key,
        request: typeof request === "string" ? request : null,
        text: why.slice(0, MAX_TEXT),
      },
    },
  );
}
