import { HoldfastError } from "../../src/core/error.ts";
import type { Containment, Step, Wish } from "../../src/core/plan.ts";
import type { Aws } from "./aws.ts";
import { closeBefore, closeWay } from "./contain-close.ts";
import { containDoctor } from "./contain-doctor.ts";
import { isolateNetwork, networkBefore } from "./contain-network.ts";
import { cleanGroups, undoNetwork } from "./contain-undo.ts";
import { openText } from "./contain-words.ts";
import type { Look } from "./look.ts";
import { rank, type Room, type StepDraft, stepOf } from "./room.ts";

/** Cuts off an instance: its network, its role, users' keys. Only what was asked for. */
export const containRoom: Room = {
  async plan(aws, look, wish, signal) {
    const { contain } = wish;
    if (contain === null) return [];
    const steps: Step[] = [];
    if (contain.network) steps.push(...(await networkSteps(aws, contain, keepsWay(wish, look), signal)));
    return steps;
  },
  async before(aws, step, at, signal) {
    switch (partOf(step)) {
      case "network":
        return { ...(await networkBefore(aws, step.input["keepSsm"] === true, signal)) };
      case "close":
        return closeBefore(aws, at, signal);
    }
  },
  async act(aws, step, before, at, signal) {
    switch (partOf(step)) {
      case "network":
        return isolateNetwork(aws, before, step.input["keepSsm"] === true, at, signal);
      case "close":
        return closeWay(aws, at, signal);
    }
  },
  async undo(aws, step, before, done, at, signal) {
    switch (partOf(step)) {
      case "network":
        return undoNetwork(aws, before, done, at, signal);
      case "close":
        throw new HoldfastError("unexpected", "what was closed after memory is not opened again; undo of isolate:network puts everything back");
    }
  },
  cleanup: async (aws, step, at, signal) => (partOf(step) === "network" ? cleanGroups(aws, at, signal) : []),
  doctor: containDoctor,
};

const parts = ["network", "close"] as const;

function partOf(step: Step): (typeof parts)[number] {
  const part = parts.find((name) => name === step.input["part"]);
  if (part === undefined) throw new HoldfastError("unexpected", `step ${step.id} is not one that containment planned`);
  return part;
}

/** Memory is taken through the agent in the guest: isolation that comes first must leave it its way. */
function keepsWay({ kinds, contain }: Wish, { instance }: Look): boolean {
  const memory = kinds === null || kinds.includes("memory");
  return contain?.when === "now" && memory && instance.State?.Name === "running";
}

function place({ when }: Containment): Pick<StepDraft, "lane" | "rank" | "after"> {
  return when === "now" ? { lane: "first", rank: rank.isolateNow } : { lane: "contain", rank: rank.isolate, after: ["memory"] };
}

const isolationCalls = [
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSecurityGroupRules",
  "ec2:CreateSecurityGroup",
  "ec2:RevokeSecurityGroupEgress",
  "ec2:AuthorizeSecurityGroupIngress",
  "ec2:AuthorizeSecurityGroupEgress",
  "ec2:ModifyNetworkInterfaceAttribute",
] as const;

const common = { room: "contain", does: "act", kind: "state", exclusive: true } as const;

async function networkSteps(aws: Aws, contain: Containment, keepSsm: boolean, signal: AbortSignal): Promise<readonly Step[]> {
  const now = await networkBefore(aws, keepSsm, signal);
  const about =
    now.kind === "no"
      ? `its network interfaces could not be looked at: ${now.text}`
      : [now.faces.map(({ id, fixed }) => (fixed === null ? id : `${id} CANNOT be changed: ${fixed}`)).join(", "), ...openText(now.ways)].join(". ");
  const network = stepOf({
    ...common,
    ...place(contain),
    id: "isolate:network",
    title: `Cut the network of all interfaces, with connections that are open (each is open both ways for a moment on its way into quarantine): ${about}`,
    calls: [...(keepSsm ? (["ec2:DescribeVpcEndpoints", "ec2:DescribeRouteTables"] as const) : []), ...isolationCalls],
    undoable: true,
    input: { part: "network", keepSsm },
  });
  if (!keepSsm) return [network];
  const close = stepOf({
    ...common,
    id: "isolate:close",
    lane: "contain",
    rank: rank.isolate,
    after: ["memory"],
    title: "Close the way that was left open for memory, and cut what began there",
    calls: isolationCalls,
    input: { part: "close" },
  });
  return [network, close];
}
