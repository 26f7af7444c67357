import { vi } from "vitest";
import { type Aws, openAws } from "../../../collectors/aws/aws.ts";
import { containRoom } from "../../../collectors/aws/contain/contain.ts";
import { lookAtInstance } from "../../../collectors/aws/look.ts";
import type { Json } from "../../../src/core/act.ts";
import type { Done, StepContext } from "../../../src/core/collector.ts";
import type { Containment, Step, Wish } from "../../../src/core/plan.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { newInstance } from "../../clouds/aws/ec2-made.ts";
import { type PlantedNetwork, plantNetwork } from "../../clouds/aws/ec2-network-planted.ts";
import { type Ec2Instance, type Ec2World, ec2World } from "../../clouds/aws/ec2-world.ts";
import { ec2Service } from "../../clouds/aws/ec2.ts";
import { iamService } from "../../clouds/aws/iam.ts";
import { type IamWorld, iamWorld } from "../../clouds/aws/iam-world.ts";
import { type FakeKey, type KeyRing, makeKeyRing, userKey } from "../../clouds/aws/key-ring.ts";
import { stsService } from "../../clouds/aws/sts.ts";
import { home, useKey } from "./link-rig.ts";
import { everything } from "./room-rig.ts";
import { stillPorts, stillTime } from "./still-ports.ts";

export const region = "eu-west-1";
export const collection = "20261124T120000Z-9f3a1c";
export const instanceId = "i-0123456789abcdef0";

/** An instance with two interfaces on the stand-in, and the room on it. Time stands still but for the room's waits. */
export type ContainRig = {
  readonly fake: AwsFake;
  readonly ec2: Ec2World;
  readonly iam: IamWorld;
  readonly keys: KeyRing;
  readonly me: FakeKey;
  readonly instance: Ec2Instance;
  readonly planted: PlantedNetwork;
  readonly signal: AbortSignal;
  /** A new process: what it knows is what the runner kept. */
  open(): Promise<Aws>;
  plan(contain: Containment | null, kinds?: Wish["kinds"]): Promise<readonly Step[]>;
  /** As the runner does: `before` is read once a step. */
  act(step: Step): Promise<Done>;
  /** A crash in between: before and act, and nobody heard the answer. */
  undo(step: Step, done: Done | null): Promise<Done>;
  cleanup(step: Step): Promise<readonly string[]>;
  before(step: Step): Promise<Json>;
  doctor(contain: Containment): ReturnType<NonNullable<typeof containRoom.doctor>>;
  calls(operation: string): number;
  close(): Promise<void>;
};

const place = { account: home, region };
export async function openContainRig(): Promise<ContainRig> {
  const me = userKey(home, "investigator");
  const keys = makeKeyRing([me]);
  const ec2 = ec2World();
  const iam = iamWorld();
  const planted = plantNetwork(ec2.network, place, instanceId);
  const instance = newInstance({ ...place, id: instanceId, vpc: planted.vpc, subnet: planted.subnets[0] });
  ec2.instances.push(instance);
  const time = stillTime();
  const fake = await openAwsFake({ keys, services: [stsService({ assumable: new Map() }, keys), ec2Service(ec2), iamService(iam, keys)], clock: time.clock });
  useKey(me);
  const { signal } = new AbortController();
  const opened: Aws[] = [];
  const befores = new Map<string, Json>();
  const memory = new Map<string, Json>();
  const results = new Map<string, Json>();
  const ports = stillPorts(time, { endpoint: fake.url });
  const context = ({ id }: Step): StepContext => ({
    case: "C-7",
    collection,
    exhibit: null,
    retainUntil: "2027-02-22T12:00:00Z",
    legalHold: false,
    earlier: (id) => results.get(id) ?? null,
    remembered: () => memory.get(id) ?? null,
    remember: (value) => void memory.set(id, copyOf(value)),
    record: async () => {
      throw new Error("an act step records nothing itself");
    },
  });
  const rig: ContainRig = {
    fake,
    ec2,
    iam,
    keys,
    me,
    instance,
    planted,
    signal,
    async open() {
      const aws = await openAws(ports, `aws:${region}:${instanceId}`, { case: "C-7", collection }, signal);
      opened.push(aws);
      return aws;
    },
    async plan(contain, kinds = null) {
      const aws = await rig.open();
      return containRoom.plan(aws, await lookAtInstance(aws, signal), { ...everything, contain, kinds }, signal);
    },
    async before(step) {
      const known = befores.get(step.id) ?? copyOf((await containRoom.before?.(await rig.open(), step, context(step), signal)) ?? null);
      befores.set(step.id, known);
      return known;
    },
    async act(step) {
      const before = await rig.before(step);
      const done = must(await containRoom.act?.(await rig.open(), step, before, context(step), signal));
      results.set(step.id, done.kind === "done" || done.kind === "already" ? copyOf(done.result) : null);
      return done;
    },
    undo: async (step, done) => must(await containRoom.undo?.(await rig.open(), step, befores.get(step.id) ?? null, done, context(step), signal)),
    cleanup: async (step) => must(await containRoom.cleanup?.(await rig.open(), step, context(step), signal)),
    async doctor(contain) {
      const aws = await rig.open();
      return must(await containRoom.doctor?.(aws, await lookAtInstance(aws, signal), { ...everything, contain }, signal));
    },
    calls: (operation) => fake.exchanges.filter((exchange) => exchange.operation === operation).length,
    async close() {
      for (const aws of opened) aws.link.close();
      vi.unstubAllEnvs();
      await fake.close();
    },
  };
  return rig;
}

export function stepNamed(steps: readonly Step[], id: string): Step {
  const step = steps.find((one) => one.id === id);
  if (step === undefined) throw new Error(`no step ${id} among ${steps.map((one) => one.id).join(", ")}`);
  return step;
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the room lacks a part that it must have");
  return value;
}

/** As the journal keeps it. */
function copyOf(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
