import type { Json } from "../../../src/core/act.ts";
import type { Done } from "../../../src/core/collector.ts";
import type { Step } from "../../../src/core/plan.ts";
import { printable } from "../../../src/core/printable.ts";
import { type Refused, refusedDone, withId, wordsOf } from "../client/refused.ts";
import type { Aws } from "../aws.ts";
import { badBefore, changedNothing, fieldsOf, lastRead, nothingToUndo, type Protection, readBack, unseen, unseenDone } from "./protection.ts";

/** A volume at its device, and whether it goes when the instance does. */
type Mapping = { readonly device: string; readonly volume: string; readonly goes: boolean };
type Seen = { readonly kind: "mappings"; readonly mappings: readonly Mapping[]; readonly requestId: string } | Refused;

const read = lastRead<Seen>();

/** DeleteOnTermination off wherever it is on; one call for each device, so that one that was detached meanwhile stops no other. */
export const volumesStay: Protection = {
  async before(aws, _step, signal) {
    const seen = await look(aws, signal);
    return seen.kind === "refused" ? unseen(seen) : read.keep({ mappings: seen.mappings }, seen);
  },
  async act(aws, step, before, signal) {
    const blind = unseenDone(before);
    if (blind !== null) return blind;
    const mappings = mappingsOf(step, before);
    const { volumes } = step.input;
    // Nothing shown is not nothing there.
    if (mappings.length === 0 && typeof volumes === "number" && volumes > 0)
      return {
        kind: "failed",
        detail: `EC2 shows none of its volumes (${volumes} when it was planned): whether they go with it is not known`,
        result: null,
        requestIds: [],
      };
    const going = mappings.filter(({ goes }) => goes);
    if (going.length === 0) return { kind: "already", detail: "delete-on-termination was off for every volume before", result: null, requestIds: [] };
    return turn(aws, going, false, read.take(before) ?? (await look(aws, signal)), signal);
  },
  async undo(aws, step, before, done, signal) {
    if (unseenDone(before) !== null || changedNothing(done)) return nothingToUndo("delete-on-termination was not changed");
    const went = mappingsOf(step, before).filter(({ goes }) => goes);
    if (went.length === 0) return nothingToUndo("delete-on-termination was off for every volume before and stays so");
    return turn(aws, went, true, await look(aws, signal), signal);
  },
};

async function look(aws: Aws, signal: AbortSignal): Promise<Seen> {
  const input = { InstanceId: aws.instance.instance, Attribute: "blockDeviceMapping" as const };
  const answer = await aws.link.ask("source", null, "ec2:DescribeInstanceAttribute", input, signal);
  if (answer.kind === "refused") return answer;
  const mappings = (answer.value.BlockDeviceMappings ?? []).flatMap(({ DeviceName: device, Ebs: ebs }) =>
    device === undefined || ebs?.VolumeId === undefined ? [] : [{ device, volume: ebs.VolumeId, goes: ebs.DeleteOnTermination === true }],
  );
  return { kind: "mappings", mappings, requestId: answer.requestId };
}

/** Makes those mappings go or stay, each only where the same volume is still there at the first look, and looks whether it is so. */
async function turn(aws: Aws, known: readonly Mapping[], goes: boolean, first: Seen, signal: AbortSignal): Promise<Done> {
  const verb = goes ? "put back" : "changed";
  if (first.kind === "refused") return refusedDone(`delete-on-termination was not ${verb}`, first);
  let ids = withId([], first.requestId);
  const asked: Mapping[] = [];
  const found: Mapping[] = [];
  const left: string[] = [];
  let refusal: Refused | null = null;
  for (const one of known) {
    const now = first.mappings.find(({ device }) => device === one.device);
    if (now?.volume !== one.volume)
      left.push(
        `${shown(one)} is no longer there${now === undefined ? "" : ` (${printable(now.volume)} is)`}: somebody changed it meanwhile, and it is left so`,
      );
    else if (now.goes === goes) found.push(one);
    else {
      const answer = await aws.link.ask("source", null, "ec2:ModifyInstanceAttribute", change(aws, one, goes), signal);
      ids = withId(ids, answer.requestId);
      if (answer.kind === "answer") asked.push(one);
      else {
        refusal ??= answer;
        left.push(`${shown(one)}: ${wordsOf(answer)}`);
      }
    }
  }
  const last =
    asked.length === 0
      ? first
      : await readBack(
          aws,
          () => look(aws, signal),
          (seen) => asked.every((one) => isSo(seen, one, goes)),
          signal,
        );
  ids = withId(ids, last.requestId);
  const unshown = asked.filter((one) => !isSo(last, one, goes));
  const turned = [...asked.filter((one) => isSo(last, one, goes)), ...found];
  const detail = [
    ...(turned.length === 0 ? [] : [`delete-on-termination is ${goes ? "on again" : "off"} for ${turned.map(shown).join(", ")}`]),
    ...(found.length === 0 ? [] : [`found so already: ${found.map(shown).join(", ")}`]),
    ...unshown.map((one) => `${shown(one)}: EC2 accepted it and does not show it`),
    ...left,
  ].join("; ");
  const result = { turned: turned.map(({ device, volume }) => ({ device, volume })) };
  if (unshown.length > 0) return { kind: "failed", detail, result, requestIds: ids };
  if (asked.length > 0 && !(goes && refusal !== null)) return { kind: "done", detail, result, requestIds: ids };
  if (refusal !== null) return { ...refusedDone("", refusal, result, ids), detail };
  // Found as an earlier attempt left it: that attempt was ours. In an undo it needs nothing more.
  if (found.length > 0) return { kind: goes ? "already" : "done", detail, result, requestIds: ids };
  return { kind: goes ? "already" : "unavailable", detail, result, requestIds: ids };
}

function change(aws: Aws, { device }: Mapping, goes: boolean): Parameters<typeof aws.link.ask<"ec2:ModifyInstanceAttribute">>[3] {
  return { InstanceId: aws.instance.instance, BlockDeviceMappings: [{ DeviceName: device, Ebs: { DeleteOnTermination: goes } }] };
}

function isSo(seen: Seen, { device, volume }: Mapping, goes: boolean): boolean {
  return seen.kind === "mappings" && seen.mappings.some((one) => one.device === device && one.volume === volume && one.goes === goes);
}

function shown({ device, volume }: Mapping): string {
  return `${printable(device)} (${printable(volume)})`;
}

function mappingsOf(step: Step, before: Json): readonly Mapping[] {
  const { mappings } = fieldsOf(before);
  if (!isList(mappings)) throw badBefore(step);
  return mappings.map((one) => {
    const { device, volume, goes } = fieldsOf(one);
    if (typeof device !== "string" || typeof volume !== "string" || typeof goes !== "boolean") throw badBefore(step);
    return { device, volume, goes };
  });
}

function isList(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}
