import { afterEach, beforeEach, expect, test } from "vitest";
import type { Containment } from "../../../src/core/plan.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { beginFlow, flowsAlive, wouldConnect } from "../../clouds/aws/ec2-flows.ts";
import type { Flow } from "../../clouds/aws/ec2-network-world.ts";
import { collection, type ContainRig, openContainRig, stepNamed } from "./contain-rig.ts";

const network: Containment = { when: "after-memory", network: true, identity: false, users: [] };
const attacker = "192.0.2.66";
let rig: ContainRig;
beforeEach(async () => {
  rig = await openContainRig();
});
afterEach(async () => {
  await expectAsModelled(rig.fake);
  await rig.close();
});

function flow(face: number, more: Partial<Flow>): Omit<Flow, "since"> {
  return { interface: rig.planted.interfaces[face]?.id ?? "", begun: "in", protocol: "tcp", remote: attacker, port: 443, tracked: "by-rules", ...more };
}

const groupsOf = (): readonly (readonly string[])[] => rig.planted.interfaces.map(({ groups }) => groups);
const ours = (use: string): readonly string[] => rig.ec2.network.groups.filter(({ name }) => name === `holdfast-${use}-${collection}`).map(({ id }) => id);

test("without a wish for it nothing is planned", async () => {
  expect(await rig.plan(null)).toEqual([]);
});

test("every interface is put into quarantine, connections that are tracked end, and undo restores the very groups", async () => {
  const { network: net } = rig.ec2;
  rig.planted.interfaces[0].groups = [rig.planted.web.id, rig.planted.byDefault.id, rig.planted.database.id];
  const old = structuredClone(groupsOf());
  const [first, second] = rig.planted.interfaces;
  beginFlow(net, flow(0, {}));
  beginFlow(net, flow(0, { begun: "out", port: 8443 }));
  beginFlow(net, flow(1, { begun: "out", protocol: "udp", port: 53 }));
  const step = stepNamed(await rig.plan(network), "isolate:network");
  expect(step).toMatchObject({ does: "act", lane: "contain", after: ["memory"], undoable: true, exclusive: true });
  expect(step.title).toContain(first.id);
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "done", detail: expect.stringContaining("2 of 2 network interfaces are in quarantine") });
  expect(done.detail).toMatch(/do not filter instance metadata, DNS through the Route 53 Resolver/);
  expect(done.requestIds.length).toBeGreaterThan(5);
  expect(groupsOf()).toEqual([ours("quarantine"), ours("quarantine")]);
  expect(net.groups.find(({ id }) => id === ours("quarantine")[0])?.rules).toEqual([]);
  for (const face of [first, second]) {
    expect(flowsAlive(net, face.id)).toEqual([]);
    for (const begun of ["in", "out"] as const)
      for (const remote of [attacker, "2001:db8::66", "10.0.1.10"])
        expect(wouldConnect(net, face.id, { begun, protocol: "tcp", remote, port: 443 })).toBe(false);
  }
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done", detail: expect.stringContaining("2 of our groups deleted") });
  expect(groupsOf()).toEqual(old);
  expect([...ours("cut"), ...ours("quarantine")]).toEqual([]);
  expect(await rig.undo(step, done)).toMatchObject({ kind: "already" });
});

test("what EC2 tracks by itself may live on, and the act says so", async () => {
  const face = rig.planted.interfaces[0].id;
  beginFlow(rig.ec2.network, flow(0, { begun: "out", tracked: "always" }));
  const done = await rig.act(stepNamed(await rig.plan(network), "isolate:network"));
  expect(flowsAlive(rig.ec2.network, face)).toHaveLength(1);
  expect(done.detail).toContain("connections that EC2 tracks whatever the groups are");
});

test("in a VPC with IPv6 the new group's egress to ::/0 is revoked as well", async () => {
  const vpcs = rig.ec2.network.vpcs;
  vpcs.push({ ...must(vpcs.pop()), ipv6Cidr: "2001:db8:1::/56" });
  const done = await rig.act(stepNamed(await rig.plan(network), "isolate:network"));
  expect(done.kind).toBe("done");
  expect(rig.ec2.network.groups.find(({ id }) => id === ours("quarantine")[0])?.rules).toEqual([]);
});

test("an interface in another VPC gets a quarantine of its own", async () => {
  const { network: net } = rig.ec2;
  const [, second] = rig.planted.interfaces;
  net.vpcs.push({ account: second.account, region: second.region, id: "vpc-0123456789abcdef9", cidr: "10.9.0.0/16", isDefault: false });
  const group = { ...rig.planted.web, id: "sg-0123456789abcdef9", vpc: "vpc-0123456789abcdef9", tags: new Map() };
  net.groups.push(group);
  const moved = { ...second, vpc: "vpc-0123456789abcdef9", groups: [group.id] };
  net.interfaces.splice(net.interfaces.indexOf(second), 1, moved);
  const step = stepNamed(await rig.plan(network), "isolate:network");
  const done = await rig.act(step);
  expect(done.kind).toBe("done");
  expect(ours("quarantine")).toHaveLength(2);
  expect(new Set([...moved.groups, ...rig.planted.interfaces[0].groups])).toEqual(new Set(ours("quarantine")));
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  expect(moved.groups).toEqual([group.id]);
});

test("an interface that a service manages is named in the plan and as not isolated, and the others are isolated", async () => {
  const { attachment } = rig.planted.interfaces[1];
  rig.planted.managed.attachment = { ...must(attachment), id: "eni-attach-0123456789abcdef9", deviceIndex: 2 };
  const step = stepNamed(await rig.plan(network), "isolate:network");
  expect(step.title).toContain(`${rig.planted.managed.id} CANNOT be changed: it is managed by amazon-elb`);
  const done = await rig.act(step);
  expect(done).toMatchObject({
    kind: "failed",
    detail: expect.stringMatching(/2 of 3 network interfaces.*NOT isolated: eni-0123456789abcdef2: it is managed/s),
  });
  expect(groupsOf()).toEqual([ours("quarantine"), ours("quarantine")]);
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
});

test("an isolation of an instance on many short pages sees all of them", async () => {
  const step = stepNamed(await rig.plan(network), "isolate:network");
  rig.ec2.pageSize = 1;
  rig.ec2.emptyPages = 2;
  expect(await rig.act(step)).toMatchObject({ kind: "done" });
  expect(groupsOf()).toEqual([ours("quarantine"), ours("quarantine")]);
});

function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("the planted world lacks it");
  return value;
}
