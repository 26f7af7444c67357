import { vi } from "vitest";
import { type Aws, openAws } from "../../../collectors/aws/aws.ts";
import { awsCollector } from "../../../collectors/aws/aws-collector.ts";
import type { AwsConfig } from "../../../src/core/config-aws.ts";
import type { Json } from "../../../src/core/act.ts";
import type { Collector, Done, StepContext } from "../../../src/core/collector.ts";
import type { Plan, Step, Wish } from "../../../src/core/plan.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { makeKeyRing, userKey } from "../../clouds/aws/key-ring.ts";
import type { Service } from "../../clouds/aws/service.ts";
import { stsService } from "../../clouds/aws/sts.ts";
import { home, useKey } from "./link-rig.ts";
import { planted, region } from "./room-world.ts";
import { stillPorts, stillTime } from "./still-ports.ts";

/** A collector on a stand-in, without the runner: a test drives plan, before, act, undo and open itself. Time stands still but for waits. */
export type RoomRig = {
  readonly fake: AwsFake;
  readonly signal: AbortSignal;
  readonly collector: Collector;
  /** What one room is given, for a test of that room alone. */
  aws(): Promise<Aws>;
  /** Every wait, in milliseconds. */
  readonly waits: number[];
  now(): Date;
  plan(wish?: Partial<Wish>): Promise<Plan>;
  /** How often an operation was called. */
  calls(operation: string): number;
  close(): Promise<void>;
};

export const everything: Wish = {
  kinds: null,
  window: { since: "2026-11-23T12:00:00.000Z", until: "2026-11-24T12:00:00.000Z" },
  disks: [],
  pids: [],
  logs: [],
  compress: "auto",
  contain: null,
};

/** STS is among the services already. */
export async function openRoomRig(services: readonly Service[], config: Partial<AwsConfig> = {}): Promise<RoomRig> {
  const me = userKey(home, "investigator");
  const keys = makeKeyRing([me]);
  const time = stillTime();
  const { clock, waits } = time;
  const fake = await openAwsFake({ keys, services: [stsService({ assumable: new Map() }, keys), ...services], clock });
  useKey(me);
  const ports = stillPorts(time, { endpoint: fake.url, ...config });
  const target = { kind: "aws", id: `aws:${region}:${planted.instance}` } as const;
  const collector = awsCollector(ports, target);
  const { signal } = new AbortController();
  const opened: Aws[] = [];
  return {
    fake,
    signal,
    collector,
    async aws() {
      const aws = await openAws(ports, target.id, { case: "C-7", collection: "20261124T120000Z-9f3a1c" }, signal);
      opened.push(aws);
      return aws;
    },
    waits,
    now: clock,
    plan: (wish = {}) => collector.plan(target, { ...everything, ...wish }, signal),
    calls: (operation) => fake.exchanges.filter((exchange) => exchange.operation === operation).length,
    async close() {
      for (const aws of opened) aws.link.close();
      await collector.close();
      vi.unstubAllEnvs();
      await fake.close();
    },
  };
}

export function stepIn({ steps }: Plan, id: string): Step {
  const step = steps.find((one) => one.id === id);
  if (step === undefined) throw new Error(`no step ${id} among ${steps.map((one) => one.id).join(", ")}`);
  return step;
}

/** A step's context with its memory in a variable. */
export function roomContext(over: Partial<StepContext> = {}): StepContext & { readonly records: [string, Done][] } {
  let memory: Json = null;
  const records: [string, Done][] = [];
  return {
    case: "C-7",
    collection: "20261124T120000Z-9f3a1c",
    exhibit: "C-7/001",
    retainUntil: "2033-11-24T00:00:00Z",
    legalHold: false,
    earlier: () => null,
    remembered: () => memory,
    remember: (value) => {
      memory = value;
    },
    record: async (once, done) => {
      if (!records.some(([known]) => known === once)) records.push([once, done]);
    },
    records,
    ...over,
  };
}
