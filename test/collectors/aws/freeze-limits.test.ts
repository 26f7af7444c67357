import { afterEach, beforeEach, expect, test } from "vitest";
import { freezeRoom } from "../../../collectors/aws/freeze/freeze.ts";
import { lookAtInstance } from "../../../collectors/aws/look.ts";
import type { Json } from "../../../src/core/act.ts";
import type { Done, StepContext } from "../../../src/core/collector.ts";
import type { Step } from "../../../src/core/plan.ts";
import { autoScalingService, type ScalingGroup } from "../../clouds/aws/autoscaling.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { ec2Service } from "../../clouds/aws/ec2.ts";
import type { Ec2Instance } from "../../clouds/aws/ec2-world.ts";
import type { Operation } from "../../clouds/aws/service.ts";
import { home } from "./link-rig.ts";
import { everything, openRoomRig, roomContext, type RoomRig, stepIn } from "./room-rig.ts";
import { planted, plantedWorld, region } from "./room-world.ts";

let instance: Ec2Instance;
let group: ScalingGroup;
let groups: ScalingGroup[];
let rig: RoomRig;
/** In place of operations of EC2, by name. */
let instead: Record<string, Operation>;
const at: StepContext = roomContext({ exhibit: null });

beforeEach(async () => {
  const place = { account: home, region, zone: `${region}a`, created: new Date("2026-01-01T00:00:00.000Z") };
  group = { ...place, name: "web", min: 1, max: 3, desired: 2, instances: [], suspended: new Set(), activities: [] };
  group.instances.push({ id: planted.instance, state: "InService", protected: false });
  groups = [group];
  const { world, instance: made } = plantedWorld({ shutdownBehavior: "terminate" });
  instance = made;
  instead = {};
  const ec2 = ec2Service(world);
  const operations = Object.fromEntries(
    Object.entries(ec2.operations).map(([name, run]): [string, Operation] => [name, (call) => (instead[name] ?? run)(call)]),
  );
  rig = await openRoomRig([{ ...ec2, operations }, autoScalingService({ groups })]);
});
afterEach(async () => {
  await rig.close();
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
});

async function begin(id: string): Promise<{ readonly step: Step; readonly before: Json }> {
  const step = stepIn(await rig.plan({ kinds: ["state"] }), id);
  return { step, before: await rig.collector.before(step, at, rig.signal) };
}
const act = async ({ step, before }: { readonly step: Step; readonly before: Json }): Promise<Done> => rig.collector.act(step, before, at, rig.signal);
const undo = async ({ step, before }: { readonly step: Step; readonly before: Json }, done: Done | null): Promise<Done> =>
  rig.collector.undo(step, before, done, at, rig.signal);

test("a change that was accepted and does not show is failed", async () => {
  instead["ModifyInstanceAttribute"] = () => ({ xml: { return: true } });
  const ends: [string, string, string][] = [];
  for (const id of ["termination-protection", "shutdown-behaviour", "delete-on-termination"]) {
    const { kind, detail } = await act(await begin(`freeze:${id}`));
    ends.push([id, kind, detail]);
  }
  expect(ends).toEqual([
    ["termination-protection", "failed", "termination protection: EC2 accepted on and still shows off"],
    ["shutdown-behaviour", "failed", 'shutdown behaviour: EC2 accepted "stop" and still shows "terminate"'],
    ["delete-on-termination", "failed", `/dev/xvda (${planted.volumes[0]}): EC2 accepted it and does not show it`],
  ]);
});

test("a change that shows some seconds late is done", async () => {
  const way = await begin("freeze:stop-protection");
  instead["ModifyInstanceAttribute"] = () => ({ xml: { return: true } });
  let looks = 0;
  instead["DescribeInstanceAttribute"] = () => {
    looks += 1;
    return { xml: { instanceId: instance.id, disableApiStop: { value: looks > 2 } } };
  };
  expect((await act(way)).kind).toBe("done");
  expect(rig.waits).toEqual([1000, 2000]);
});

test("where the group's minimum forbids one fewer, it launches a replacement, and the act says so", async () => {
  group.min = 2;
  const way = await begin("freeze:standby");
  const done = await act(way);
  expect([done.kind, group.instances[0]?.state, group.desired]).toEqual(["done", "Standby", 2]);
  expect(done.detail).toContain("its minimum of 2 did not allow one fewer, so desired capacity stays 2 and the group launches a replacement");
  const undone = await undo(way, done);
  expect([undone.kind, group.instances[0]?.state, group.desired]).toEqual(["done", "InService", 3]);
  expect(undone.detail).toContain("desired capacity was 2 before the freeze and is 3 now");
});

test("a group that is full does not take it back, and the undo says so", async () => {
  const way = await begin("freeze:standby");
  const done = await act(way);
  group.desired = group.max;
  const undone = await undo(way, done);
  expect([undone.kind, undone.detail]).toEqual(["failed", expect.stringContaining("still on standby in web: autoscaling:ExitStandby: ValidationError")]);
});

test("an answer that shows no volume of an instance that has some is not one that says that they stay", async () => {
  instead["DescribeInstanceAttribute"] = () => ({ xml: { instanceId: planted.instance } });
  const way = await begin("freeze:delete-on-termination");
  const done = await act(way);
  expect(done).toMatchObject({
    kind: "failed",
    detail: expect.stringContaining(`EC2 shows none of its volumes (${planted.volumes.length} when it was planned)`),
  });
  expect([(await undo(way, done)).kind, rig.calls("ModifyInstanceAttribute")]).toEqual(["already", 0]);
});

test("what somebody else changed meanwhile is said and left", async () => {
  const flag = await begin("freeze:termination-protection");
  const flagged = await act(flag);
  instance.disableApiTermination = false;
  const disks = await begin("freeze:delete-on-termination");
  const kept = await act(disks);
  const [root] = instance.mappings;
  if (root !== undefined) instance.mappings[0] = { ...root, volume: "vol-0cccccccccccccccc" };
  const asked = rig.calls("ModifyInstanceAttribute");
  expect(await undo(flag, flagged)).toMatchObject({ kind: "already", detail: expect.stringContaining("by somebody else's hand") });
  expect(await undo(disks, kept)).toMatchObject({
    kind: "already",
    detail: expect.stringContaining("(vol-0cccccccccccccccc is): somebody changed it meanwhile"),
  });
  const member = await begin("freeze:standby");
  const standing = await act(member);
  groups[0] = { ...group, name: "other" };
  expect(await undo(member, standing)).toMatchObject({ kind: "already", detail: expect.stringContaining("it is in other and no longer in web") });
  groups.length = 0;
  expect(await undo(member, standing)).toMatchObject({ kind: "already", detail: expect.stringContaining("somebody detached it meanwhile") });
  expect([rig.calls("ModifyInstanceAttribute"), rig.calls("ExitStandby")]).toEqual([asked, 0]);
});

test("what EC2 does not offer such an instance is unavailable, with the reason, and is not asked for", async () => {
  const steps = async (): Promise<readonly Step[]> => (await rig.plan({ kinds: ["state"] })).steps.filter(({ kind }) => kind === "freeze");
  const ends = async (): Promise<readonly string[]> => {
    const all: string[] = [];
    for (const step of await steps()) {
      if (step.input["unavailable"] === null) continue;
      const done = await act({ step, before: await rig.collector.before(step, at, rig.signal) });
      expect((await undo({ step, before: null }, done)).kind).toBe("already");
      all.push(`${step.id} ${done.kind}: ${done.detail}`);
    }
    return all;
  };
  const described =
    (over: object): Operation =>
    (call) => {
      const reservation = { reservationId: "r-0123456789abcdef0", ownerId: call.account, groupSet: {} };
      return { xml: { reservationSet: { item: { ...reservation, instancesSet: { item: { instanceId: instance.id, ...over } } } } } };
    };
  instead["DescribeInstances"] = described({ instanceLifecycle: "spot", instanceState: { code: 16, name: "running" } });
  expect(await ends()).toEqual([
    expect.stringMatching(/^freeze:termination-protection unavailable: EC2 does not offer termination protection for Spot/),
    expect.stringMatching(/^freeze:stop-protection unavailable: EC2 does not offer stop protection for Spot/),
  ]);
  instead["DescribeInstances"] = described({ rootDeviceType: "instance-store", instanceState: { code: 16, name: "running" } });
  expect(await ends()).toEqual([
    expect.stringMatching(/^freeze:stop-protection unavailable: .* instance store$/),
    expect.stringMatching(/^freeze:shutdown-behaviour unavailable: .* instance store$/),
  ]);
  instead["DescribeInstances"] = described({ instanceState: { code: 48, name: "terminated" } });
  expect(await ends()).toHaveLength(5);
  expect(rig.calls("ModifyInstanceAttribute")).toBe(0);
});

test("doctor tries what has a dry run, says what has none, and changes nothing", async () => {
  const aws = await rig.aws();
  const look = await lookAtInstance(aws, rig.signal);
  const doctor = async (): Promise<unknown> => freezeRoom.doctor?.(aws, look, { ...everything, kinds: ["state"] }, rig.signal);
  expect(await doctor()).toEqual([
    { probe: "freeze", ok: true, fatal: false, text: "ec2:ModifyInstanceAttribute: allowed (dry run)" },
    { probe: "freeze:standby", ok: true, fatal: false, text: expect.stringContaining("no dry run exists for Auto Scaling") },
  ]);
  rig.fake.faults.add({ on: "ec2:ModifyInstanceAttribute", does: { kind: "deny" } });
  expect(await doctor()).toMatchObject([{ ok: false, text: expect.stringContaining("UnauthorizedOperation") }, { ok: true }]);
  expect([instance.disableApiTermination, group.instances[0]?.state]).toEqual([false, "InService"]);
});
