import { afterEach, beforeEach, expect, test } from "vitest";
import type { Containment, Step } from "../../../src/core/plan.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { beginFlow, flowsAlive } from "../../clouds/aws/ec2-flows.ts";
import type { FaultRule } from "../../clouds/aws/faults.ts";
import { collection, type ContainRig, openContainRig, stepNamed } from "./contain-rig.ts";

const network: Containment = { when: "after-memory", network: true, identity: false, users: [] };
let rig: ContainRig;
let step: Step;
beforeEach(async () => {
  rig = await openContainRig();
  step = stepNamed(await rig.plan(network), "isolate:network");
});
afterEach(async () => {
  await expectAsModelled(rig.fake);
  await rig.close();
});

const ours = (use: string): readonly string[] => rig.ec2.network.groups.filter(({ name }) => name === `holdfast-${use}-${collection}`).map(({ id }) => id);
const groupsOf = (): readonly (readonly string[])[] => rig.planted.interfaces.map(({ groups }) => groups);
const asPlanted = (): readonly (readonly string[])[] => [[rig.planted.web.id], [rig.planted.database.id]];
const changing = [
  "ec2:CreateSecurityGroup",
  "ec2:RevokeSecurityGroupEgress",
  "ec2:AuthorizeSecurityGroupIngress",
  "ec2:AuthorizeSecurityGroupEgress",
  "ec2:ModifyNetworkInterfaceAttribute",
];

test.for(changing)("a lost answer of %s leaves one quarantine and no half of one", async (on) => {
  rig.fake.faults.add({ on, does: { kind: "lost-answer" } });
  expect(await rig.act(step)).toMatchObject({ kind: "done" });
  expect(groupsOf()).toEqual([ours("quarantine"), ours("quarantine")]);
  expect([ours("quarantine").length, ours("cut").length]).toEqual([1, 1]);
});

test.for(changing)("broken off at %s and done again, it is done once, and undo knows the groups of before", async (on) => {
  beginFlow(rig.ec2.network, { interface: rig.planted.interfaces[0].id, begun: "out", protocol: "tcp", remote: "192.0.2.66", port: 8443, tracked: "by-rules" });
  rig.fake.faults.add({ on, from: on.includes("Modify") ? 2 : 1, times: 100, does: { kind: "server-error" } });
  await rig.act(step).catch(() => undefined);
  rig.fake.faults.clear();
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "done" });
  expect(groupsOf()).toEqual([ours("quarantine"), ours("quarantine")]);
  expect(flowsAlive(rig.ec2.network, rig.planted.interfaces[0].id)).toEqual([]);
  expect([ours("quarantine").length, ours("cut").length]).toEqual([1, 1]);
  expect(await rig.undo(step, null)).toMatchObject({ kind: "done" });
  expect(groupsOf()).toEqual(asPlanted());
});

test("a group that EC2 does not know everywhere yet is waited for, and one that it never knows is named", async () => {
  const on = "ec2:ModifyNetworkInterfaceAttribute";
  rig.fake.faults.add({ on, times: 3, does: { kind: "refuse", code: "InvalidGroup.NotFound" } });
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "done" });
  await rig.undo(step, done);
  rig.fake.faults.add({ on, times: 1000, does: { kind: "refuse", code: "InvalidGroup.NotFound" } });
  expect(await rig.act(step)).toMatchObject({ kind: "failed", detail: expect.stringContaining("InvalidGroup.NotFound") });
  expect(groupsOf()).toEqual(asPlanted());
});

test("an instance whose network is gone has nothing to be isolated", async () => {
  for (const one of rig.planted.interfaces) one.attachment = null;
  expect(await rig.act(step)).toMatchObject({ kind: "already", detail: "the instance has no network interface" });
});

test("throttled at every call, it is isolated all the same", async () => {
  for (const on of changing) rig.fake.faults.add({ on, times: 2, does: { kind: "throttle" } });
  expect(await rig.act(step)).toMatchObject({ kind: "done" });
});

test("done again when all is done, nothing is changed and nothing is lost", async () => {
  await rig.act(step);
  const calls = rig.calls("ModifyNetworkInterfaceAttribute");
  expect(await rig.act(step)).toMatchObject({ kind: "done", requestIds: [] });
  expect(rig.calls("ModifyNetworkInterfaceAttribute")).toBe(calls);
});

test.for([
  { on: "ec2:DescribeNetworkInterfaces", kind: "denied" },
  { on: "ec2:DescribeSecurityGroups", kind: "denied" },
  { on: "ec2:CreateSecurityGroup", kind: "denied" },
  // Groups were made by then, which undo has to find.
  { on: "ec2:ModifyNetworkInterfaceAttribute", kind: "failed" },
])("refused $on, it is $kind, with code and request id, and nothing has moved", async ({ on, kind }) => {
  rig.fake.faults.add({ on, times: 1000, does: { kind: "deny" } });
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind, detail: expect.stringMatching(new RegExp(`${on}: UnauthorizedOperation: .*request [0-9a-f-]{36}`)) });
  expect(groupsOf()).toEqual(asPlanted());
  rig.fake.faults.clear();
  await rig.cleanup(step);
  expect([...ours("quarantine"), ...ours("cut")]).toEqual([]);
});

test("one interface refused, the other is isolated, it counts as failed, and undo finds what was done", async () => {
  refuseFor(rig.planted.interfaces[1].id, { kind: "deny" });
  const done = await rig.act(step);
  expect(done).toMatchObject({
    kind: "failed",
    detail: expect.stringMatching(/1 of 2 network interfaces.*NOT isolated: ec2:ModifyNetworkInterfaceAttribute: /s),
  });
  expect(groupsOf()).toEqual([ours("quarantine"), [rig.planted.database.id]]);
  expect(await rig.cleanup(step)).toEqual([]);
  rig.fake.faults.clear();
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  expect(groupsOf()).toEqual(asPlanted());
});

test("where the way on from the open group is barred, the interface goes back to its groups", async () => {
  rig.fake.faults.add({ on: "ec2:ModifyNetworkInterfaceAttribute", from: 2, times: 1, does: { kind: "deny" } });
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "failed", detail: expect.stringContaining(`eni-0123456789abcdef0 is back in ${rig.planted.web.id}`) });
  expect(groupsOf()).toEqual([[rig.planted.web.id], ours("quarantine")]);
});

test("an interface that a crash left in the open group is closed by cleanup, and undo still knows where it was", async () => {
  rig.fake.faults.add({ on: "ec2:ModifyNetworkInterfaceAttribute", from: 2, times: 100, does: { kind: "server-error" } });
  await expect(rig.act(step)).rejects.toMatchObject({ code: "unreachable" });
  rig.fake.faults.clear();
  expect(groupsOf()).toEqual([ours("cut"), [rig.planted.database.id]]);
  expect(await rig.cleanup(step)).toEqual([expect.stringContaining("eni-0123456789abcdef0 was left open to everything")]);
  expect(groupsOf()).toEqual([ours("quarantine"), [rig.planted.database.id]]);
  expect(await rig.undo(step, null)).toMatchObject({ kind: "done" });
  expect(groupsOf()).toEqual(asPlanted());
});

test("an interface of another machine that somebody put into our open group is named by cleanup and not isolated", async () => {
  const at = rig.planted.interfaces[0];
  await rig.act(step);
  const other = { ...at, id: "eni-0fffffffffffffff0", attachment: null, groups: [...ours("cut")] };
  rig.ec2.network.interfaces.push(other);
  expect(await rig.cleanup(step)).toEqual([expect.stringMatching(/^eni-0fffffffffffffff0 is open to everything .* not the instance's/)]);
  expect(other.groups).toEqual(ours("cut"));
});

test("an interface stuck in the open group is shouted about", async () => {
  rig.fake.faults.add({ on: "ec2:ModifyNetworkInterfaceAttribute", from: 2, times: 2, does: { kind: "deny" } });
  expect((await rig.act(step)).detail).toContain(`eni-0123456789abcdef0 MAY BE OPEN TO EVERYTHING in group ${ours("cut")[0]}`);
});

test("a change that EC2 accepts and does not show is a failure", async () => {
  const [first] = rig.planted.interfaces;
  Object.defineProperty(first, "groups", { get: () => [rig.planted.web.id], set: () => undefined });
  expect(await rig.act(step)).toMatchObject({ kind: "failed", detail: expect.stringContaining(`EC2 accepted the change of ${first.id} and does not show it`) });
});

test("groups that somebody changed between look and act are what undo puts back, a crash in between or not", async () => {
  await rig.before(step);
  rig.planted.interfaces[0].groups = [rig.planted.database.id, rig.planted.web.id];
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "done", detail: expect.stringContaining("was changed by somebody else") });
  expect(await rig.undo(step, null)).toMatchObject({ kind: "done" });
  expect(groupsOf()).toEqual([[rig.planted.database.id, rig.planted.web.id], [rig.planted.database.id]]);
});

test("what somebody gives an interface while it is isolated is taken away again, and is not what undo puts back", async () => {
  const [first] = rig.planted.interfaces;
  let given = false;
  const give = (): boolean => {
    if (!given && ours("quarantine").length > 0 && first.groups[0] === ours("quarantine")[0] && rig.calls("ModifyNetworkInterfaceAttribute") === 4) {
      given = true;
      first.groups = [rig.planted.byDefault.id];
    }
    return false;
  };
  rig.fake.faults.add({ on: "ec2:DescribeNetworkInterfaces", when: give, does: { kind: "deny" } });
  const done = await rig.act(step);
  expect([given, done.kind, groupsOf()]).toEqual([true, "done", [ours("quarantine"), ours("quarantine")]]);
  await rig.undo(step, done);
  expect(groupsOf()).toEqual(asPlanted());
});

test("an interface that is attached between look and act is isolated too, and put back", async () => {
  await rig.before(step);
  const third = { ...rig.planted.interfaces[0], id: "eni-0123456789abcdef7", groups: [rig.planted.byDefault.id] };
  rig.ec2.network.interfaces.push(third);
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "done", detail: expect.stringContaining("3 of 3") });
  expect(third.groups).toEqual(ours("quarantine"));
  await rig.undo(step, null);
  expect(third.groups).toEqual([rig.planted.byDefault.id]);
});

test("undo leaves what somebody else changed since, says so, and keeps a group that is in use", async () => {
  const done = await rig.act(step);
  const [first, second] = rig.planted.interfaces;
  first.groups = [rig.planted.byDefault.id];
  const other = { ...rig.planted.managed, id: "eni-0123456789abcdef8", groups: ours("quarantine") };
  rig.ec2.network.interfaces.push(other);
  expect(await rig.undo(step, done)).toMatchObject({
    kind: "failed",
    detail: expect.stringMatching(
      /eni-0123456789abcdef1 back in.*eni-0123456789abcdef0 is in .*somebody changed it since.*is still used by something and was left/s,
    ),
  });
  expect([first.groups, second.groups]).toEqual([[rig.planted.byDefault.id], [rig.planted.database.id]]);
});

test("an interface that was detached in quarantine gets its groups back as well", async () => {
  const done = await rig.act(step);
  rig.planted.interfaces[1].attachment = null;
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  expect(groupsOf()).toEqual(asPlanted());
});

test("a rule that somebody added to the quarantine lets nothing pass for isolated", async () => {
  refuseFor(rig.planted.interfaces[1].id, { kind: "deny" });
  await rig.act(step);
  rig.fake.faults.clear();
  const group = rig.ec2.network.groups.find(({ id }) => id === ours("quarantine")[0]);
  if (group !== undefined) group.rules = rig.planted.web.rules.filter(({ egress }) => !egress);
  expect(await rig.act(step)).toMatchObject({ kind: "failed", detail: expect.stringContaining("has an ingress rule that somebody else added") });
});

test("a group that somebody gave our tag is theirs: undo and cleanup leave it", async () => {
  const forged = { ...rig.planted.byDefault, id: "sg-0123456789abcdefe", name: "holdfast-mine", tags: new Map([["holdfast:collection", collection]]) };
  rig.ec2.network.groups.push(forged);
  const done = await rig.act(step);
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  await rig.cleanup(step);
  expect(rig.ec2.network.groups).toContain(forged);
});

test("a group of our name without our tag is somebody else's", async () => {
  rig.ec2.network.groups.push({ ...rig.planted.byDefault, id: "sg-0123456789abcdeff", name: `holdfast-quarantine-${collection}` });
  expect(await rig.act(step)).toMatchObject({ kind: "failed", detail: expect.stringContaining("somebody else made it") });
  expect(groupsOf()).toEqual(asPlanted());
});

test("doctor tries what can be tried, and names what cannot", async () => {
  expect((await rig.doctor(network)).every(({ ok }) => ok)).toBe(true);
  rig.ec2.denied.add(`${rig.me.account}:ModifyNetworkInterfaceAttribute`);
  const answers = await rig.doctor(network);
  expect(answers.filter(({ ok }) => !ok).map(({ text }) => text)).toEqual([
    expect.stringMatching(/^eni-0123456789abcdef0: ec2:ModifyNetworkInterfaceAttribute: UnauthorizedOperation/),
    expect.stringMatching(/^eni-0123456789abcdef1: /),
  ]);
  expect(answers.at(-1)?.text).toContain("not tried");
  expect(ours("doctor")).toEqual([]);
});

function refuseFor(face: string, does: FaultRule["does"]): void {
  rig.fake.faults.add({ on: "ec2:ModifyNetworkInterfaceAttribute", when: ({ params }) => params["NetworkInterfaceId"] === face, times: 1000, does });
}
