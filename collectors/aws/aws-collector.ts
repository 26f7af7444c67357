import type { Collector } from "../../src/core/collector.ts";
import type { AwsConfig } from "../../src/core/config-aws.ts";
import { HoldfastError } from "../../src/core/error.ts";
import type { Step } from "../../src/core/plan.ts";
import type { Target } from "../../src/core/target.ts";
import { type Aws, type AwsPorts, openAws } from "./aws.ts";
import { examine } from "./doctor.ts";
import { snapshotHolder } from "./disk/holder.ts";
import { lookAtInstance } from "./look.ts";
import { planInstance } from "./plan.ts";
import type { Room } from "./room.ts";
import { rooms } from "./rooms.ts";
import type { Belongs } from "./tags.ts";

/** One EC2 instance. What it does to the account is in the steps; each goes to its room. */
export function awsCollector(ports: AwsPorts, target: Target): Collector {
  const links = new Map<string, Promise<Aws>>();

  /**
   * One link a collection, where its name goes into the account's own log as that of a role's session. Without a role all links would be
   * the same: one serves then, so that a first memory command does not wait for a second greeting, client and connection.
   */
  function awsFor(belongs: Belongs, signal: AbortSignal): Promise<Aws> {
    const name = takesRoles(ports.config) ? belongs.collection : "";
    const known = links.get(name) ?? openAws(ports, mustBeAws(target), belongs, signal);
    links.set(name, known);
    known.catch(() => links.delete(name)); // the next one tries again
    return known;
  }

  /** The part of a step's room that it needs; a journaled step of another release may name what is not here. */
  async function part<K extends keyof Room>(step: Step, name: K): Promise<NonNullable<Room[K]>> {
    const key = step.input["room"];
    const room = typeof key === "string" ? await rooms[key]?.() : undefined;
    const found = room?.[name];
    if (found === undefined || found === null) throw new HoldfastError("unexpected", `step ${step.id} has no ${name} in this release's AWS collector`);
    return found;
  }

  return {
    provider: "aws",
    async plan(asked, wish, signal) {
      mustBeAws(asked);
      const aws = await awsFor(planning, signal);
      return planInstance(aws, await lookAtInstance(aws, signal), wish, signal);
    },
    open: async (step, at, signal) => (await part(step, "open"))(await awsFor(at, signal), step, at, signal),
    before: async (step, at, signal) => (await part(step, "before"))(await awsFor(at, signal), step, at, signal),
    act: async (step, before, at, signal) => (await part(step, "act"))(await awsFor(at, signal), step, before, at, signal),
    undo: async (step, before, done, at, signal) => (await part(step, "undo"))(await awsFor(at, signal), step, before, done, at, signal),
    async cleanup(step, at, signal) {
      const key = step.input["room"];
      const room = typeof key === "string" ? await rooms[key]?.() : undefined;
      return room?.cleanup === undefined ? [] : room.cleanup(await awsFor(at, signal), step, at, signal);
    },
    doctor: async (asked, wish, signal) => examine(ports, mustBeAws(asked), wish, signal),
    holder: snapshotHolder((signal) => awsFor(planning, signal)),
    async close() {
      for (const aws of links.values()) (await aws.catch(() => null))?.link.close();
    },
  };
}

/** Before a collection has a name, and for questions that belong to none. */
const planning: Belongs = { case: "none", collection: "holdfast-planning" };

function takesRoles({ accounts, evidenceAccount }: AwsConfig): boolean {
  return [...Object.values(accounts), evidenceAccount].some((account) => account !== null && account.role !== null);
}

function mustBeAws(target: Target): string {
  if (target.kind !== "aws") throw new HoldfastError("usage", `${target.id} is not an EC2 instance; write aws:REGION:INSTANCE-ID or its ARN`);
  return target.id;
}
