import { describeError, HoldfastError } from "../../src/core/error.ts";
import type { Containment, Wish } from "../../src/core/plan.ts";
import type { ProbeAnswer } from "../../src/core/vault.ts";
import { type AwsPorts, openAws } from "./aws.ts";
import { clockOffset } from "./client/clock-offset.ts";
import type { Observed } from "./client/link.ts";
import { lookAtInstance } from "./look.ts";
import { rooms } from "./rooms.ts";

/** Acts are dated by our clock and corroborated by AWS's log: beyond this the two tell different stories. Seconds. */
const offsetAllowed = 5;

/** What containment could need, said in advance: nobody should find out at the moment of isolation. */
const all: Containment = { when: "after-memory", network: true, identity: true, users: [] };

/** Whether a collection of this wish would work; each room asks what it will need. Changes nothing. */
export async function examine(ports: AwsPorts, target: string, wish: Wish, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  const heard: Observed[] = [];
  const aws = await openAws({ ...ports, observe: (call) => void heard.push(call) }, target, { case: "none", collection: "holdfast-doctor" }, signal);
  try {
    const identity = await aws.link.identity("source", signal);
    const answers: ProbeAnswer[] = [{ probe: "identity", ok: true, fatal: true, text: `${identity.arn} works in account ${identity.account}` }];
    answers.push(clockAnswer(heard));
    const look = await lookAtInstance(aws, signal);
    for (const [name, open] of Object.entries(rooms)) {
      try {
        const found = (await (await open()).doctor?.(aws, look, { ...wish, contain: wish.contain ?? all }, signal)) ?? [];
        answers.push(...(name === "contain" && wish.contain === null ? found.map((answer) => ({ ...answer, fatal: false })) : found));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HoldfastError)) throw error;
        answers.push({ probe: name, ok: false, fatal: true, text: describeError(error) });
      }
    }
    return answers;
  } finally {
    aws.link.close();
  }
}

/** Of the quickest call. */
function clockAnswer(heard: readonly Observed[]): ProbeAnswer {
  const best = heard.flatMap((call) => clockOffset(call) ?? []).sort((a, b) => a.uncertainMs - b.uncertainMs)[0];
  if (best === undefined) return { probe: "clock", ok: false, fatal: false, text: "AWS answered without a Date header: the clock's offset is not known" };
  const [offset, uncertain] = [best.offsetMs / 1000, best.uncertainMs / 1000];
  const text = `AWS's clock is ${offset >= 0 ? "ahead of" : "behind"} this one by ${Math.abs(offset).toFixed(1)} s (± ${uncertain.toFixed(1)} s)`;
  return Math.abs(offset) <= offsetAllowed + uncertain
    ? { probe: "clock", ok: true, fatal: false, text }
    : { probe: "clock", ok: false, fatal: false, text: `${text}; set this machine's clock, or acts and AWS's own log will not agree` };
}
