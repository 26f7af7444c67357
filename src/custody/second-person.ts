import type { Act, ActReceipt, Actor, Json } from "../core/act.ts";
import { actDraft } from "../core/act-draft.ts";
import { HoldfastError } from "../core/error.ts";
import type { Clock } from "../core/ports.ts";
import type { Reader, Recorder } from "../core/recorder.ts";
import type { TwoPersonAct } from "../core/two-persons.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { requestsOf, sameWish } from "./requests.ts";

/** Who wants what of the ledger, and why. */
export type Asking = {
  readonly reader: Reader;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly actor: Actor;
  readonly reason: string;
  readonly authority: string | null;
};

/** What a second person is to agree to, in full: what is not named here cannot be changed by it. */
export type TwoPersonWish = {
  readonly act: TwoPersonAct;
  readonly case: string | null;
  readonly exhibits: readonly string[];
  readonly asked: { readonly [key: string]: Json };
};

/** `waiting`: asked, now or before, and nobody has approved. `agreed`: the act is recorded, and what it is about may be done. */
export type Agreement =
  | { readonly kind: "waiting"; readonly request: CustodyRequest }
  | { readonly kind: "agreed"; readonly request: CustodyRequest; readonly act: Act };

/**
 * Asks for what needs two persons, or goes on with what has been approved meanwhile: the same wish again finds its own request.
 * The ledger refuses what the rule does not allow, whatever is asked here. `isUnfinished` finds what was recorded and then not
 * done to the end: it is gone on with, under the same approval.
 */
export async function withSecondPerson(asking: Asking, wish: TwoPersonWish, isUnfinished: (request: CustodyRequest) => boolean): Promise<Agreement> {
  const mine = requestsOf(asking.reader, asking.clock()).filter((request) => request.actor === asking.actor.id && sameWish(request, { ...wish, ...asking }));
  const begun = mine.findLast((request) => request.state === "done" && request.done !== null && isUnfinished(request));
  if (begun?.done !== undefined && begun.done !== null) return { kind: "agreed", request: begun, act: asking.reader.act(begun.done) };
  const approved = mine.findLast((request) => request.state === "approved");
  if (approved !== undefined) {
    const receipt = await appendOne(asking, wish.act, wish, { asked: wish.asked, request: approved.request });
    return { kind: "agreed", request: approved, act: asking.reader.act(receipt.seq) };
  }
  const waiting = mine.findLast((request) => request.state === "waiting");
  if (waiting !== undefined) return { kind: "waiting", request: waiting };
  const { seq } = await appendOne(asking, "requested", wish, { act: wish.act, asked: wish.asked });
  const made = requestsOf(asking.reader, asking.clock()).find((request) => request.seq === seq);
  if (made === undefined) throw new HoldfastError("unexpected", `the request of entry ${seq} is not among the requests`);
  return { kind: "waiting", request: made };
}

/** Agrees to another person's request. `hash` is that of the request as the approver saw it; null for as it stands. */
export async function approveRequest(
  asking: Omit<Asking, "reason"> & { readonly reason: string | null },
  number: string,
  hash: string | null,
): Promise<CustodyRequest> {
  const request = requestsOf(asking.reader, asking.clock()).find((one) => one.request === number);
  if (request === undefined) throw new HoldfastError("usage", `there is no request ${JSON.stringify(number)}; \`holdfast requests\` lists them`);
  await appendOne(asking, "approved", request, { request: number, hash: hash ?? request.hash });
  return requestsOf(asking.reader, asking.clock()).find((one) => one.request === number) ?? request;
}

async function appendOne(
  asking: Pick<Asking, "recorder" | "actor" | "authority"> & { readonly reason: string | null },
  act: TwoPersonAct | "requested" | "approved",
  about: { readonly case: string | null; readonly exhibits: readonly string[] },
  detail: { readonly [key: string]: Json },
): Promise<ActReceipt> {
  const { reason, authority } = asking;
  const [receipt] = await asking.recorder.append([actDraft(act, asking.actor, { case: about.case, exhibits: about.exhibits, reason, authority, detail })]);
  if (receipt === undefined) throw new HoldfastError("unexpected", `the ledger gave no receipt for ${act}`);
  return receipt;
}
