import { HoldfastError } from "../../../src/core/error.ts";
import type { Kind } from "../../../src/core/kind.ts";
import type { Step, Wish } from "../../../src/core/plan.ts";
import { printable } from "../../../src/core/printable.ts";
import type { ProbeAnswer } from "../../../src/core/vault.ts";
import type { Aws } from "../aws.ts";
import type { CallName } from "../calls/calls.ts";
import { shutdownBehaviour, stopProtection, terminationProtection } from "./attribute.ts";
import { volumesStay } from "./mappings.ts";
import { standby } from "./standby.ts";
import type { Look } from "../look.ts";
import type { Protection } from "./protection.ts";
import { wordsOf } from "../client/refused.ts";
import { rank, type Room, stepOf } from "../room.ts";
import { lookAtScaling } from "./scaling-look.ts";

const attributeCalls: readonly CallName[] = ["ec2:DescribeInstanceAttribute", "ec2:ModifyInstanceAttribute"];
const standbyCalls: readonly CallName[] = ["autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeAutoScalingGroups", "autoscaling:EnterStandby"];

type Freezing = {
  readonly title: string;
  readonly calls: readonly CallName[];
  readonly protection: Protection;
  /** Why EC2 does not offer it for such an instance; null where it does. */
  readonly lacks: (instance: Look["instance"]) => string | null;
};

const freezings: Readonly<Record<string, Freezing>> = {
  "termination-protection": {
    title: "Termination protection on",
    calls: attributeCalls,
    protection: terminationProtection,
    lacks: (instance) => spot(instance, "termination protection"),
  },
  "stop-protection": {
    title: "Stop protection on",
    calls: attributeCalls,
    protection: stopProtection,
    lacks: (instance) => spot(instance, "stop protection") ?? storeRoot(instance, "stop protection"),
  },
  "shutdown-behaviour": {
    title: "A shutdown from inside stops it and does not terminate it",
    calls: attributeCalls,
    protection: shutdownBehaviour,
    lacks: (instance) => storeRoot(instance, "another shutdown behaviour than terminate"),
  },
  "delete-on-termination": {
    title: "Its volumes stay if it is terminated (DeleteOnTermination off)",
    calls: attributeCalls,
    protection: volumesStay,
    lacks: () => null,
  },
  standby: { title: "Standby in its Auto Scaling group, which would else replace it", calls: standbyCalls, protection: standby, lacks: () => null },
};

/** Kinds that need the instance or its volumes to go on being there while they are taken. */
const needsInstance: readonly Kind[] = ["state", "memory", "disk", "disk-image"];

/**
 * Freezes what could end the instance or take its volumes away. Whenever something other than logs alone is asked: whoever takes
 * state, memory or a disk needs the machine to outlive the taking, and an attacker, a group or a scheduled clean-up needs one call to
 * end it. Logs lie elsewhere; for them alone nothing of the target is changed.
 */
export const freezeRoom: Room = {
  async plan(aws, look, wish, signal) {
    if (!freezes(wish)) return [];
    const standing = await lookAtScaling(aws, signal);
    const gone = ended(look.instance);
    return Object.entries(freezings).flatMap(([name, { title, calls, lacks }]) => {
      if (name === "standby" && standing.kind === "none") return [];
      const group = name === "standby" && standing.kind === "member" ? `: ${printable(standing.group)}` : "";
      return [
        stepOf({
          room: "freeze",
          id: `freeze:${name}`,
          does: "act",
          kind: "freeze",
          lane: "first",
          title: `${title}${group}`,
          rank: rank.freeze,
          calls,
          undoable: true,
          exclusive: true,
          seconds: 2,
          input: {
            freeze: name,
            unavailable: gone ?? lacks(look.instance),
            ...(name === "delete-on-termination" ? { volumes: volumesOf(look.instance) } : {}),
          },
        }),
      ];
    });
  },
  async before(aws, step, _at, signal) {
    return unavailable(step) === null ? freezingOf(step).protection.before(aws, step, signal) : null;
  },
  async act(aws, step, before, _at, signal) {
    const why = unavailable(step);
    if (why !== null) return { kind: "unavailable", detail: why, result: null, requestIds: [] };
    return freezingOf(step).protection.act(aws, step, before, signal);
  },
  async undo(aws, step, before, done, _at, signal) {
    const why = unavailable(step);
    if (why !== null) return { kind: "already", detail: `nothing was changed: ${why}`, result: null, requestIds: [] };
    return freezingOf(step).protection.undo(aws, step, before, done, signal);
  },
  doctor: async (aws, look, wish, signal) => (freezes(wish) && ended(look.instance) === null ? examineFreeze(aws, signal) : []),
};

function volumesOf({ BlockDeviceMappings: mappings = [] }: Look["instance"]): number {
  return mappings.filter(({ Ebs }) => Ebs !== undefined).length;
}

function freezes({ kinds }: Wish): boolean {
  return kinds === null || kinds.some((kind) => needsInstance.includes(kind));
}

/** What may be tried without acting is; of the rest it is said that it was not. */
async function examineFreeze(aws: Aws, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  const name = "ec2:ModifyInstanceAttribute";
  const tried = await aws.link.dryRun("source", null, name, { InstanceId: aws.instance.instance, DisableApiTermination: { Value: true } }, signal);
  const attributes: ProbeAnswer = {
    probe: "freeze",
    ok: tried.kind === "answer",
    fatal: false,
    text: tried.kind === "answer" ? `${name}: allowed (dry run)` : `it could not be frozen: ${wordsOf(tried)}`,
  };
  const standing = await lookAtScaling(aws, signal);
  if (standing.kind === "none") return [attributes];
  const scaling: ProbeAnswer = {
    probe: "freeze:standby",
    ok: standing.kind === "member",
    fatal: false,
    text:
      standing.kind === "refused"
        ? `whether a group would replace it is not known: ${wordsOf(standing)}`
        : `it is in Auto Scaling group ${printable(standing.group)}; autoscaling:EnterStandby was not tried, no dry run exists for Auto Scaling`,
  };
  return [attributes, scaling];
}

function freezingOf(step: Step): Freezing {
  const { freeze } = step.input;
  const found = typeof freeze === "string" && Object.hasOwn(freezings, freeze) ? freezings[freeze] : undefined;
  if (found === undefined)
    throw new HoldfastError("unexpected", `step ${step.id}: input.freeze ${JSON.stringify(freeze)} is nothing that this release freezes`);
  return found;
}

function unavailable(step: Step): string | null {
  const why = step.input["unavailable"];
  if (why !== null && typeof why !== "string") throw new HoldfastError("unexpected", `step ${step.id}: input.unavailable is neither a reason nor null`);
  return why;
}

function ended({ State: state }: Look["instance"]): string | null {
  return state?.Name === "terminated" || state?.Name === "shutting-down" ? `the instance is ${state.Name}: it can no longer be protected` : null;
}

function spot({ InstanceLifecycle: lifecycle }: Look["instance"], what: string): string | null {
  return lifecycle === "spot" ? `EC2 does not offer ${what} for Spot instances: it may be interrupted at any time, so take memory and snapshots at once` : null;
}

function storeRoot({ RootDeviceType: root }: Look["instance"], what: string): string | null {
  return root === "instance-store" ? `EC2 does not offer ${what} where the root device is instance store` : null;
}
