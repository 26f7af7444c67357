import type { Json } from "../../core/act.ts";
import { isTwoPersonAct, onceOf, REQUEST_HOURS } from "../../core/two-persons.ts";
import { askedFault } from "./actor-rules.ts";
import type { CustodyView, Fault, Judged, JudgedAct, SignedAct } from "./custody-view.ts";
import { toJcs } from "../format/jcs.ts";

/** A request, an approval, or an act that needs both, held against the rule for two persons. */
export function twoPersonFault(view: CustodyView, judged: Judged): Fault | null {
  const { act } = judged;
  if (act.act === "requested") return requestFault(view, act);
  if (act.act === "approved") return approvalFault(view, judged);
  if (!isTwoPersonAct(act.act)) return null;
  // Somebody has to be the first; from then on nobody is enrolled by one person.
  if (act.act === "actor-enrolled" && view.actors.count() === 0) return act.detail["request"] === null ? null : fault("the first enrolment follows no request");
  return effectFault(view, judged);
}

function requestFault(view: CustodyView, act: JudgedAct): Fault | null {
  const wanted = act.detail["act"];
  const number = String(view.requests() + 1);
  if (act.detail["request"] !== number || act.once !== onceOf.request(number)) return fault(`it is not numbered ${number}, as the next request is`);
  if (!isTwoPersonAct(wanted)) return fault(`${JSON.stringify(wanted)} is not an act that needs a second person`);
  if (act.actor.kind !== "person") return fault(`${act.actor.id} is a machine, and only a person asks for what needs two persons`);
  if (act.reason === null || act.reason.trim() === "") return fault("a request needs a reason");
  return wanted === "actor-enrolled" || wanted === "actor-revoked" ? askedFault(view, wanted, act.detail["asked"]) : null;
}

function approvalFault(view: CustodyView, { act, key }: Judged): Fault | null {
  const found = requestOf(view, act);
  if (found === null) return fault(`there is no request ${JSON.stringify(act.detail["request"])}`);
  const { number, request } = found;
  if (act.once !== onceOf.approval(number)) return fault(`it is not named ${onceOf.approval(number)}`);
  if (act.detail["hash"] !== request.act.leafHash)
    return fault(`request ${number} is not the one that is approved: its hash is ${request.act.leafHash}, and ${JSON.stringify(act.detail["hash"])} was seen`);
  if (act.actor.kind !== "person") return fault(`${act.actor.id} is a machine, and a machine never approves`);
  if (act.actor.id === request.act.actor.id) return fault(`${act.actor.id} asked for it, and nobody approves their own request`);
  if (key !== null && (key.fingerprint === request.signer || view.actors.ofKey(key.fingerprint)?.id === request.act.actor.id))
    return fault(`the key ${key.fingerprint} is that of ${request.act.actor.id}, who asked for it: the same person under another name`);
  if (view.approval(number) !== null) return fault(`request ${number} has been approved already, by ${view.approval(number)?.act.actor.id ?? ""}`);
  if (view.isDone(number)) return fault(`request ${number} has been carried out`);
  return lateFault(request, act, "approved");
}

function effectFault(view: CustodyView, { act }: Judged): Fault | null {
  const found = requestOf(view, act);
  if (found === null) return fault(`${act.act} needs a second person: it follows a request that another person has approved, and names none`);
  const { number, request } = found;
  const registering = act.act === "actor-enrolled" || act.act === "actor-revoked";
  if (!registering && act.once !== onceOf.done(number)) return fault(`it is not named ${onceOf.done(number)}`);
  if (view.isDone(number)) return fault(`request ${number} has been carried out already; an approval is used once`);
  const approval = view.approval(number);
  if (approval === null) return fault(`request ${number} has not been approved by a second person`);
  if (act.actor.id !== request.act.actor.id) return fault(`request ${number} is that of ${request.act.actor.id}, not of ${act.actor.id}`);
  if (wishText({ ...request.act, act: request.act.detail["act"] ?? null }) !== wishText(act))
    return fault(`it is not what request ${number} asked for and ${approval.act.actor.id} approved`);
  return lateFault(request, act, "carried out");
}

/** Everything that the second person agreed to; the places in chains and what a store answers come later. */
function wishText(act: {
  readonly act: Json;
  readonly case: string | null;
  readonly exhibits: readonly { readonly id: string }[];
  readonly target: string | null;
  readonly reason: string | null;
  readonly authority: string | null;
  readonly detail: { readonly [key: string]: Json };
}): string {
  const { case: caseId, target, reason, authority } = act;
  return toJcs(
    { act: act.act, asked: act.detail["asked"] ?? null, authority, case: caseId, exhibits: act.exhibits.map((e) => e.id).sort(), reason, target },
    "the request",
  );
}

function requestOf(view: CustodyView, act: JudgedAct): { readonly number: string; readonly request: SignedAct } | null {
  const number = act.detail["request"];
  if (typeof number !== "string" || !/^[1-9][0-9]{0,8}$/.test(number)) return null;
  const request = view.request(number);
  return request === null ? null : { number, request };
}

function lateFault(request: SignedAct, act: JudgedAct, what: string): Fault | null {
  const age = Date.parse(act.time) - Date.parse(request.act.time);
  return age <= REQUEST_HOURS * 3_600_000
    ? null
    : fault(`the request is ${Math.floor(age / 3_600_000)} h old, and one can be ${what} for ${REQUEST_HOURS} h; ask again`);
}

function fault(text: string): Fault {
  return { kind: "two-persons", text };
}
