import type { Act, Json } from "../core/act.ts";
import type { Reader } from "../core/recorder.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { isTwoPersonAct, onceOf, REQUEST_HOURS } from "../core/two-persons.ts";

/** All requests of the ledger, in order. */
export function requestsOf(reader: Reader, now: Date): readonly CustodyRequest[] {
  const actorActs = doneByActorActs(reader);
  const found: CustodyRequest[] = [];
  for (let number = 1; ; number += 1) {
    const act = reader.named(onceOf.request(number));
    if (act === null) return found;
    const request = requestOf(reader, String(number), act, actorActs, now);
    if (request !== null) found.push(request);
  }
}

function requestOf(reader: Reader, request: string, act: Act, actorActs: ReadonlyMap<string, number>, now: Date): CustodyRequest | null {
  const wanted = act.detail["act"];
  if (!isTwoPersonAct(wanted)) return null;
  const approval = reader.named(onceOf.approval(request));
  const done = reader.named(onceOf.done(request))?.seq ?? actorActs.get(request) ?? null;
  const expires = new Date(Date.parse(act.time) + REQUEST_HOURS * 3_600_000);
  const open = now.getTime() > expires.getTime() ? "expired" : approval === null ? "waiting" : "approved";
  return {
    request,
    act: wanted,
    asked: act.detail["asked"] ?? null,
    case: act.case,
    exhibits: act.exhibits.map((e) => e.id),
    actor: act.actor.id,
    reason: act.reason,
    authority: act.authority,
    time: act.time,
    expires: expires.toISOString(),
    hash: act.leafHash,
    state: done === null ? open : "done",
    approvedBy: approval?.actor.id ?? null,
    seq: act.seq,
    done,
  };
}

/** Enrolments and revocations are named by their own count, so that they say which request they follow. */
function doneByActorActs(reader: Reader): ReadonlyMap<string, number> {
  const done = new Map<string, number>();
  for (let count = 0; ; count += 1) {
    const act = reader.named(onceOf.actor(count));
    if (act === null) return done;
    const request = act.detail["request"];
    if (typeof request === "string") done.set(request, act.seq);
  }
}

type Wanted = Pick<CustodyRequest, "act" | "asked" | "case" | "exhibits" | "reason" | "authority">;

/** Whether this is what was asked for: everything that the second person sees. */
export function sameWish(request: CustodyRequest, wish: Wanted): boolean {
  return wishText(request) === wishText(wish);
}

function wishText(wish: Wanted): string {
  return JSON.stringify([wish.act, ordered(wish.asked), wish.case, [...wish.exhibits].sort(), wish.reason, wish.authority]);
}

function ordered(value: Json): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
