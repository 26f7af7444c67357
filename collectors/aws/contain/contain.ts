import { HoldfastError } from "../../../src/core/error.ts";
import type { Step } from "../../../src/core/plan.ts";
import { closeBefore, closeWay } from "./close.ts";
import { containDoctor } from "./doctor.ts";
import { identityBefore, isolateIdentity, undoIdentity } from "./identity.ts";
import { texts } from "./kept.ts";
import { isolateNetwork, networkBefore } from "./network.ts";
import { containSteps, type Part, parts } from "./plan.ts";
import { cleanGroups, undoNetwork } from "./undo.ts";
import { disableKeys, undoUsers, usersBefore } from "./users.ts";
import type { Room } from "../room.ts";

/** Cuts off an instance: its network, its role, users' keys. Only what was asked for. */
export const containRoom: Room = {
  plan: containSteps,
  async before(aws, step, at, signal) {
    const part = partOf(step);
    switch (part) {
      case "network":
        return { ...(await networkBefore(aws, keepsSsm(step), signal)) };
      case "close":
        return closeBefore(aws, at, signal);
      case "identity":
        return { ...(await identityBefore(aws, signal)) };
      case "users":
        return { ...(await usersBefore(aws, usersOf(step), signal)) };
      default:
        return part satisfies never;
    }
  },
  async act(aws, step, before, at, signal) {
    const part = partOf(step);
    switch (part) {
      case "network":
        return isolateNetwork(aws, before, keepsSsm(step), at, signal);
      case "close":
        return closeWay(aws, at, signal);
      case "identity":
        return isolateIdentity(aws, before, at, signal);
      case "users":
        return disableKeys(aws, usersOf(step), at, signal);
      default:
        return part satisfies never;
    }
  },
  async undo(aws, step, before, done, at, signal) {
    const part = partOf(step);
    switch (part) {
      case "network":
        return undoNetwork(aws, before, done, at, signal);
      case "close":
        throw new HoldfastError("unexpected", "what was closed after memory is not opened again; undo of isolate:network puts everything back");
      case "identity":
        return undoIdentity(aws, before, at, signal);
      case "users":
        return undoUsers(aws, done, at, signal);
      default:
        return part satisfies never;
    }
  },
  cleanup: async (aws, step, at, signal) => (partOf(step) === "network" ? cleanGroups(aws, at, signal) : []),
  doctor: containDoctor,
};

function partOf(step: Step): Part {
  const part = parts.find((name) => name === step.input["part"]);
  if (part === undefined) throw new HoldfastError("unexpected", `step ${step.id} is not one that containment planned`);
  return part;
}

function keepsSsm(step: Step): boolean {
  return step.input["keepSsm"] === true;
}

function usersOf(step: Step): readonly string[] {
  return texts(step.input["users"]);
}
