import { EC2Client, StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Json } from "../../../src/core/act.ts";
import type { Collector, Done, StepContext } from "../../../src/core/collector.ts";
import type { Plan, Step, Wish } from "../../../src/core/plan.ts";
import { autoScalingService, type ScalingGroup } from "../../clouds/aws/autoscaling.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { ec2Service } from "../../clouds/aws/ec2.ts";
import type { Ec2Instance } from "../../clouds/aws/ec2-world.ts";
import { home } from "./link-rig.ts";
import { openRoomRig, roomContext, stepIn, type RoomRig } from "./room-rig.ts";
import { planted, plantedWorld, region } from "./room-world.ts";

const forever = Number.POSITIVE_INFINITY;
let instance: Ec2Instance;
let group: ScalingGroup;
let groups: ScalingGroup[];
let rig: RoomRig;
let collector: Collector;

beforeEach(async () => {
  group = {
    name: "web",
    account: home,
    region,
    zone: `${region}a`,
    min: 1,
    max: 3,
    desired: 2,
    created: new Date("2026-01-01T00:00:00.000Z"),
    instances: [{ id: planted.instance, state: "InService", protected: false }],
    suspended: new Set(),
    activities: [],
  };
  groups = [group];
  const { world, instance: made } = plantedWorld({ shutdownBehavior: "terminate" });
  instance = made;
  rig = await openRoomRig([ec2Service(world), autoScalingService({ groups })]);
  ({ collector } = rig);
});
afterEach(async () => {
  await rig.close();
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
});

type Way = { readonly step: Step; readonly before: Json; readonly done: Done; readonly at: StepContext };

/** Of state alone: other rooms have tests of their own. */
const planned = (wish: Partial<Wish> = { kinds: ["state"] }): Promise<Plan> => rig.plan(wish);
const freezing = async (): Promise<readonly Step[]> => (await planned()).steps.filter(({ kind }) => kind === "freeze");

async function freeze(id: string): Promise<Way> {
  const step = stepIn(await planned(), id);
  const at = roomContext({ exhibit: null });
  const before = await collector.before(step, at, rig.signal);
  return { step, before, done: await collector.act(step, before, at, rig.signal), at };
}

const undo = ({ step, before, done, at }: Omit<Way, "done"> & { readonly done: Done | null }): Promise<Done> =>
  collector.undo(step, before, done, at, rig.signal);

/** All that freezing can change, in one text. */
function state(): string {
  const stays = instance.mappings.map(({ device, deleteOnTermination }) => `${device} ${deleteOnTermination ? "goes" : "stays"}`);
  const flags = [`termination ${instance.disableApiTermination}`, `stop ${instance.disableApiStop}`, instance.shutdownBehavior];
  return [...flags, ...stays, `${group.instances[0]?.state} ${group.desired}`].join(", ");
}
const unprotected = "termination false, stop false, terminate, /dev/xvda goes, /dev/sdf stays, InService 2";
const frozen = "termination true, stop true, stop, /dev/xvda stays, /dev/sdf stays, Standby 1";

test("the plan freezes first, step by step, and nothing at all for logs alone", async () => {
  const { steps } = await planned({});
  expect(steps.filter(({ kind }) => kind === "freeze").map(({ id, lane, undoable, exclusive }) => [id, lane, undoable, exclusive])).toEqual(
    ["termination-protection", "stop-protection", "shutdown-behaviour", "delete-on-termination", "standby"].map((name) => [
      `freeze:${name}`,
      "first",
      true,
      true,
    ]),
  );
  expect(steps[0]?.id).toBe("freeze:termination-protection");
  expect((await planned({ kinds: ["flow-logs", "access-logs"] })).steps.filter(({ kind }) => kind === "freeze")).toEqual([]);
  expect((await planned({ kinds: ["disk-image"] })).steps.filter(({ kind }) => kind === "freeze")).toHaveLength(5);
  groups.length = 0;
  expect((await planned()).steps.map(({ id }) => id)).not.toContain("freeze:standby");
  expect(state()).toBe(unprotected);
});

test("all that could end it is switched off, EC2 itself then refuses to end it, and undo puts exactly that back", async () => {
  const ways: Way[] = [];
  for (const { id } of await freezing()) ways.push(await freeze(id));
  expect(ways.map(({ done }) => [done.kind, done.detail])).toEqual([
    ["done", "termination protection is on; it was off"],
    ["done", "stop protection is on; it was off"],
    ["done", 'shutdown behaviour is "stop"; it was "terminate"'],
    ["done", `delete-on-termination is off for /dev/xvda (${planted.volumes[0]})`],
    ["done", "on standby in web (Standby); it was InService; the group's desired capacity went from 2 to 1"],
  ]);
  expect(state()).toBe(frozen);
  const ec2 = new EC2Client({ endpoint: rig.fake.url, region, maxAttempts: 1 });
  const kill = { InstanceIds: [planted.instance] };
  await expect(ec2.send(new TerminateInstancesCommand(kill))).rejects.toMatchObject({ name: "OperationNotPermitted" });
  await expect(ec2.send(new StopInstancesCommand(kill))).rejects.toMatchObject({ name: "OperationNotPermitted" });
  ec2.destroy();
  const known = new Set(rig.fake.exchanges.map(({ requestId }) => requestId));
  for (const { done } of ways) expect(done.requestIds.filter((id) => known.has(id)).length).toBeGreaterThanOrEqual(3); // looked, asked, looked again
  for (const way of ways.toReversed()) expect((await undo(way)).kind).toBe("done");
  expect(state()).toBe(unprotected);
  for (const way of ways) expect((await undo(way)).kind).toBe("already");
  expect(state()).toBe(unprotected);
});

test("what was so before is left alone, by the act and by its undo", async () => {
  Object.assign(instance, { disableApiTermination: true, disableApiStop: true, shutdownBehavior: "stop" });
  for (const mapping of instance.mappings) mapping.deleteOnTermination = false;
  for (const one of group.instances) one.state = "Standby";
  const was = state();
  for (const { id } of await freezing()) {
    const way = await freeze(id);
    expect([id, way.done.kind, (await undo(way)).kind]).toEqual([id, "already", "already"]);
  }
  expect([state(), rig.calls("ModifyInstanceAttribute"), rig.calls("EnterStandby"), rig.calls("ExitStandby")]).toEqual([was, 0, 0, 0]);
});

test("after a crash between call and record the change is found, is not asked for again, and can still be undone", async () => {
  for (const { id } of await freezing()) {
    const { step, before, at } = await freeze(id);
    const asked = rig.calls("ModifyInstanceAttribute") + rig.calls("EnterStandby");
    const again = await collector.act(step, before, at, rig.signal);
    expect([again.kind, again.detail]).toEqual(["done", expect.stringContaining("found so")]);
    expect(rig.calls("ModifyInstanceAttribute") + rig.calls("EnterStandby")).toBe(asked);
    expect((await undo({ step, before, done: null, at })).kind).toBe("done");
  }
  expect(state()).toBe(unprotected);
});

test("an answer that was lost does not make it happen twice", async () => {
  for (const on of ["ec2:ModifyInstanceAttribute", "autoscaling:EnterStandby", "autoscaling:ExitStandby"])
    rig.fake.faults.add({ on, does: { kind: "lost-answer" } });
  expect((await freeze("freeze:stop-protection")).done.kind).toBe("done");
  const way = await freeze("freeze:standby");
  expect(way.done.kind).toBe("done");
  expect([group.desired, rig.calls("EnterStandby")]).toEqual([1, 1]);
  expect((await undo(way)).kind).toBe("done");
  expect([group.desired, rig.calls("ExitStandby")]).toEqual([2, 1]);
});

test("throttled, it is asked again until it is done", async () => {
  rig.fake.faults.add({ on: "ec2:ModifyInstanceAttribute", times: 3, does: { kind: "throttle" } });
  rig.fake.faults.add({ on: "autoscaling:EnterStandby", times: 3, does: { kind: "throttle" } });
  expect((await freeze("freeze:termination-protection")).done.kind).toBe("done");
  expect((await freeze("freeze:standby")).done.kind).toBe("done");
});

test("a refusal is the act's outcome, with code and request id, and leaves nothing to undo", async () => {
  rig.fake.faults.add({ on: "ec2:ModifyInstanceAttribute", times: forever, does: { kind: "deny" } });
  rig.fake.faults.add({ on: "autoscaling:EnterStandby", times: forever, does: { kind: "deny" } });
  for (const { id } of await freezing()) {
    const way = await freeze(id);
    const refused = rig.fake.exchanges.at(-1);
    expect([id, way.done.kind, way.done.detail]).toEqual([id, "denied", expect.stringContaining(refused?.code ?? "?")]);
    expect(way.done.detail).toContain(way.done.requestIds.at(-1));
    expect(rig.fake.exchanges.map(({ requestId }) => requestId)).toContain(way.done.requestIds.at(-1));
    expect((await undo(way)).kind).toBe("already");
  }
  expect(state()).toBe(unprotected);
});

test("where the state before may not be read nothing is changed", async () => {
  rig.fake.faults.add({ on: "ec2:DescribeInstanceAttribute", times: forever, does: { kind: "deny" } });
  rig.fake.faults.add({ on: "autoscaling:DescribeAutoScalingInstances", times: forever, does: { kind: "deny" } });
  for (const { id } of await freezing()) {
    const { done } = await freeze(id);
    expect([id, done.kind, done.detail]).toEqual([id, "denied", expect.stringContaining("nothing was changed, since the state before could not be read")]);
  }
  expect(state()).toBe(unprotected);
});
