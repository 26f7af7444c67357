import type { ActName } from "../../core/act.ts";
import { onceOf, WRITER_ID } from "../../core/two-persons.ts";
import { parseEnrolled, parseRevoked } from "./actor-registry.ts";
import type { CustodyView, Fault, Judged, JudgedAct } from "./custody-view.ts";

/** Acts that mean nothing without a signature: an unsigned approval would be anybody's. */
const signedOnly: readonly ActName[] = ["actor-enrolled", "actor-revoked", "requested", "approved", "acknowledged"];

/** Whether the act is its actor's: signed by a key that is enrolled for this id, or of somebody who was never enrolled. */
export function actorFault(view: CustodyView, judged: Judged): Fault | null {
  const { act, key, seq } = judged;
  const { id, kind, proof } = act.actor;
  if (proof !== "signed") {
    const since = view.actors.firstOf(id);
    if (since !== null) return signature(`${id} is enrolled since entry ${since}, and this act does not carry ${id}'s signature`);
    return signedOnly.includes(act.act) ? signature(`an act ${act.act} has to be signed, and ${id} is not enrolled`) : null;
  }
  if (key === null) return signature("it is said to be signed, and no signature is there");
  const place = act.detail["entry"];
  if (!isPlace(place) || place.log !== view.origin || place.seq !== String(seq))
    return signature(`its signature is not for entry ${seq} of ${view.origin}: it was taken from elsewhere`);
  const enrolled = view.actors.ofKey(key.fingerprint);
  if (enrolled === null) return enrolsItself(act, key.fingerprint) ? null : signature(`the key ${key.fingerprint} that signed for ${id} is not enrolled`);
  if (enrolled.id !== id) return signature(`the key ${key.fingerprint} that signed for ${id} is that of ${enrolled.id}: the same person under another name`);
  if (enrolled.revoked !== null) return signature(`the key ${key.fingerprint} of ${id} was revoked by entry ${enrolled.revoked}`);
  return enrolled.kind === kind ? null : signature(`${id} is enrolled as a ${enrolled.kind}, not as a ${kind}`);
}

/** What an enrolment or revocation may say. Two persons are another rule's matter. */
export function registryFault(view: CustodyView, { act }: Judged): Fault | null {
  if (act.act !== "actor-enrolled" && act.act !== "actor-revoked") return null;
  if (act.once !== onceOf.actor(view.actors.count())) return signature(`it is not named ${onceOf.actor(view.actors.count())}, as the next act about actors is`);
  return askedFault(view, act.act, act.detail["asked"]);
}

/** The same for a request of one: what could not be carried out is not asked for. */
export function askedFault(view: CustodyView, act: "actor-enrolled" | "actor-revoked", asked: unknown): Fault | null {
  const { id, key } = act === "actor-enrolled" ? parseEnrolled(asked) : parseRevoked(asked);
  const enrolled = view.actors.ofKey(key.fingerprint);
  if (act === "actor-enrolled") {
    if (id === WRITER_ID) return signature(`${WRITER_ID} is the name of this program, and nobody's`);
    return enrolled === null ? null : signature(`the key ${key.fingerprint} is already that of ${enrolled.id}; a key is one person's for ever, make another`);
  }
  if (enrolled === null || enrolled.id !== id) return signature(`${key.fingerprint} is no key of ${id}`);
  return enrolled.revoked === null ? null : signature(`${key.fingerprint} was revoked by entry ${enrolled.revoked}`);
}

/** A newcomer asks with the key that is to be enrolled, which shows that it is theirs; the same for the first of all. */
function enrolsItself(act: JudgedAct, fingerprint: string): boolean {
  const asked = act.act === "actor-enrolled" || (act.act === "requested" && act.detail["act"] === "actor-enrolled") ? act.detail["asked"] : undefined;
  if (asked === undefined) return false;
  const { id, kind, key } = parseEnrolled(asked);
  return id === act.actor.id && kind === act.actor.kind && kind === "person" && key.fingerprint === fingerprint;
}

function isPlace(value: unknown): value is { readonly log: unknown; readonly seq: unknown } {
  return typeof value === "object" && value !== null && "log" in value && "seq" in value;
}

function signature(text: string): Fault {
  return { kind: "actor-signature", text };
}
