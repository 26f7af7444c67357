import type { Json } from "../../../src/core/act.ts";
import type { Done } from "../../../src/core/collector.ts";
import type { Step } from "../../../src/core/plan.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Aws } from "../aws.ts";
import type { Answer, Output } from "../client/link.ts";
import { badBefore, changedNothing, fieldsOf, lastRead, nothingToUndo, type Protection, readBack, unseen, unseenDone } from "./protection.ts";
import { refusedDone, withId, wordsOf } from "../client/refused.ts";
import { lookAtScaling, type Standing } from "./scaling-look.ts";

const known = lastRead<Standing>();

/** Out of the group's service: it neither replaces nor terminates the instance, which stays its member. */
export const standby: Protection = {
  async before(aws, _step, signal) {
    const seen = await lookAtScaling(aws, signal);
    return seen.kind === "refused" ? unseen(seen) : known.keep(seen, seen);
  },
  async act(aws, step, before, signal) {
    const blind = unseenDone(before);
    if (blind !== null) return blind;
    const was = stateOf(step, before);
    if (was === null) return { kind: "already", detail: "it was in no Auto Scaling group", result: null, requestIds: [] };
    if (isStandby(was.state)) return { kind: "already", detail: `it was on standby in ${printable(was.group)} before`, result: null, requestIds: [] };
    const now = known.take(before) ?? (await lookAtScaling(aws, signal));
    if (now.kind === "refused") return refusedDone("it was not put on standby", now);
    if (now.kind === "none")
      return {
        kind: "unavailable",
        detail: `it left ${printable(was.group)} meanwhile: there is no group to stand by in`,
        result: null,
        requestIds: now.requestIds,
      };
    if (isStandby(now.state) && now.group === was.group)
      return {
        kind: "done",
        detail: `it is on standby in ${printable(now.group)}; it was ${was.state} before. It was found so: an earlier attempt asked for it`,
        result: { group: now.group, desired: now.desired },
        requestIds: now.requestIds,
      };
    if (now.state !== "InService")
      return {
        kind: "unavailable",
        detail: `${printable(now.group)} has it in state ${printable(now.state)}; only from InService can it go on standby`,
        result: null,
        requestIds: now.requestIds,
      };
    return enter(aws, now, signal);
  },
  async undo(aws, step, before, done, signal) {
    if (unseenDone(before) !== null || changedNothing(done)) return nothingToUndo("it was not put on standby");
    const was = stateOf(step, before);
    if (was === null || isStandby(was.state)) return nothingToUndo("it was so before and stays so");
    const now = await lookAtScaling(aws, signal);
    if (now.kind === "refused") return refusedDone("it was not taken back from standby", now);
    if (now.kind === "none")
      return nothingToUndo(`it is no longer in ${printable(was.group)}: somebody detached it meanwhile, and it is left so`, now.requestIds);
    if (now.group !== was.group)
      return nothingToUndo(
        `it is in ${printable(now.group)} and no longer in ${printable(was.group)}: somebody moved it meanwhile, and it is left so`,
        now.requestIds,
      );
    if (!isStandby(now.state))
      return nothingToUndo(
        `it is ${printable(now.state)} in ${printable(now.group)}, by somebody else's hand or since it never was on standby`,
        now.requestIds,
      );
    return leave(aws, now, was.desired, signal);
  },
};

type Member = Extract<Standing, { kind: "member" }>;

async function enter(aws: Aws, now: Member, signal: AbortSignal): Promise<Done> {
  const name = "autoscaling:EnterStandby";
  const group = printable(now.group);
  // One fewer is wanted of the group, or else it launches another in its place: worse, but the evidence is out of its reach.
  const spare = now.desired - 1 >= now.min;
  const input = { AutoScalingGroupName: now.group, InstanceIds: [aws.instance.instance], ShouldDecrementDesiredCapacity: spare };
  const settle = async (): Promise<Answer<Output<typeof name>> | null> => {
    const seen = await lookAtScaling(aws, signal);
    return seen.kind === "member" && isStandby(seen.state) ? found(seen.requestIds) : null;
  };
  const answer = await aws.link.ask("source", null, name, input, signal, { settle });
  if (answer.kind === "refused") return refusedDone(`it is still in service in ${group}`, answer, null, now.requestIds);
  const cost = spare
    ? `the group's desired capacity went from ${now.desired} to ${now.desired - 1}`
    : `its minimum of ${now.min} did not allow one fewer, so desired capacity stays ${now.desired} and the group launches a replacement`;
  const ids = withId(now.requestIds, answer.requestId);
  return shown(aws, `it was InService; ${cost}`, { group: now.group, decremented: spare }, ids, true, signal);
}

async function leave(aws: Aws, now: Member, desired: number, signal: AbortSignal): Promise<Done> {
  const name = "autoscaling:ExitStandby";
  const settle = async (): Promise<Answer<Output<typeof name>> | null> => {
    const seen = await lookAtScaling(aws, signal);
    return seen.kind === "member" && !isStandby(seen.state) ? found(seen.requestIds) : null;
  };
  const answer = await aws.link.ask("source", null, name, { AutoScalingGroupName: now.group, InstanceIds: [aws.instance.instance] }, signal, { settle });
  if (answer.kind === "refused") return refusedDone(`it is still on standby in ${printable(now.group)}`, answer, null, now.requestIds);
  const off =
    now.desired + 1 === desired ? "" : `; desired capacity was ${desired} before the freeze and is ${now.desired + 1} now: correct it if that is not meant`;
  return shown(aws, `back in service${off}`, { group: now.group }, withId(now.requestIds, answer.requestId), false, signal);
}

/** Looks whether it is so, and says so. */
async function shown(aws: Aws, text: string, result: Json, ids: readonly string[], wanted: boolean, signal: AbortSignal): Promise<Done> {
  const last = await readBack(
    aws,
    () => lookAtScaling(aws, signal),
    (seen) => seen.kind === "member" && isStandby(seen.state) === wanted,
    signal,
  );
  if (last.kind === "refused") return { kind: "failed", detail: `accepted, and could not be read back: ${wordsOf(last)}`, result, requestIds: ids };
  const requestIds = last.requestIds.reduce(withId, ids);
  const state = last.kind === "member" ? last.state : "in no group";
  if (last.kind !== "member" || isStandby(last.state) !== wanted)
    return { kind: "failed", detail: `Auto Scaling accepted it, and the instance is ${printable(state)}`, result, requestIds };
  return { kind: "done", detail: `${wanted ? "on standby" : "in service"} in ${printable(last.group)} (${printable(state)}); ${text}`, result, requestIds };
}

/** What the answer that was lost must have said. */
function found(ids: readonly string[]): {
  readonly kind: "answer";
  readonly value: Output<"autoscaling:EnterStandby">;
  readonly requestId: string;
  readonly date: null;
  readonly wire: null;
} {
  return { kind: "answer", value: { Activities: [], $metadata: {} }, requestId: ids[0] ?? "", date: null, wire: null };
}

function isStandby(state: string): boolean {
  return state === "Standby" || state === "EnteringStandby";
}

function stateOf(step: Step, before: Json): { readonly group: string; readonly state: string; readonly desired: number } | null {
  const { kind, group, state, desired } = fieldsOf(before);
  if (kind === "none") return null;
  if (kind !== "member" || typeof group !== "string" || typeof state !== "string" || typeof desired !== "number") throw badBefore(step);
  return { group, state, desired };
}
