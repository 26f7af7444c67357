import { afterEach, beforeEach, expect, test } from "vitest";
import type { Containment } from "../../../src/core/plan.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { beginFlow, flowsAlive, wouldConnect } from "../../clouds/aws/ec2-flows.ts";
import { type ContainRig, openContainRig, stepNamed } from "./contain-rig.ts";

const now: Containment = { when: "now", network: true, identity: false, users: [] };
const attacker = "192.0.2.66";
const s3Address = "52.218.0.7";
const s3List = "pl-6da54004";
let rig: ContainRig;
beforeEach(async () => {
  rig = await openContainRig();
});
afterEach(async () => {
  await expectAsModelled(rig.fake);
  await rig.close();
});

/** The planted endpoints with interfaces of their own, and the route by which S3's is reached. */
function plantEndpoints(): void {
  const { network } = rig.ec2;
  for (const [i, one] of network.vpcEndpoints.entries()) {
    if (one.type === "Gateway") continue;
    const id = `eni-0123456789abcd0e${i}`;
    network.interfaces.push({
      ...rig.planted.managed,
      id,
      description: `VPC Endpoint Interface ${one.id}`,
      privateAddresses: [`10.0.1.20${i}`],
      attachment: null,
      groups: one.groups,
      managed: { requester: "amazon-vpce", type: "vpc_endpoint" },
    });
    network.vpcEndpoints.splice(i, 1, { ...one, interfaces: [id] });
  }
  network.prefixLists.set(s3List, ["52.218.0.0/17"]);
  const gateway = network.vpcEndpoints.find(({ type }) => type === "Gateway");
  for (const table of network.routeTables)
    table.routes = [...table.routes, { destination: s3List, target: { name: "gatewayId", id: gateway?.id ?? "" }, state: "active", origin: "CreateRoute" }];
}

const out = (remote: string, port = 443): boolean =>
  rig.planted.interfaces.every(({ id }) => wouldConnect(rig.ec2.network, id, { begun: "out", protocol: "tcp", remote, port }));
const anyIn = (): boolean =>
  rig.planted.interfaces.some(({ id }) => wouldConnect(rig.ec2.network, id, { begun: "in", protocol: "tcp", remote: attacker, port: 443 }));

test("isolated at once, memory keeps its way to the endpoints of Systems Manager and to S3 and nothing else, and then loses it", async () => {
  plantEndpoints();
  const steps = await rig.plan(now);
  expect(steps.map(({ id, lane, after }) => [id, lane, after])).toEqual([
    ["isolate:network", "first", []],
    ["isolate:close", "contain", ["memory"]],
  ]);
  const [isolate, close] = [stepNamed(steps, "isolate:network"), stepNamed(steps, "isolate:close")];
  expect(isolate.title).toMatch(/HTTPS stays open in vpc-0123456789abcdef0 to its endpoints of Systems Manager and to S3/);
  expect(isolate.input).toMatchObject({ keepSsm: true });
  expect(close.undoable).toBe(false);
  const face = rig.planted.interfaces[0].id;
  beginFlow(rig.ec2.network, { interface: face, begun: "out", protocol: "tcp", remote: s3Address, port: 443, tracked: "by-rules" });
  const done = await rig.act(isolate);
  expect(done).toMatchObject({ kind: "done" });
  for (const remote of ["10.0.1.200", "10.0.1.201", "10.0.1.202", s3Address]) expect([remote, out(remote)]).toEqual([remote, true]);
  expect([out("10.0.1.200", 80), out("10.0.1.210"), out(attacker), anyIn()]).toEqual([false, false, false, false]);
  beginFlow(rig.ec2.network, { interface: face, begun: "out", protocol: "tcp", remote: s3Address, port: 443, tracked: "by-rules" });
  expect(await rig.act(close)).toMatchObject({ kind: "done", detail: expect.stringContaining("closed on eni-0123456789abcdef0, eni-0123456789abcdef1") });
  expect([out("10.0.1.200"), out(s3Address), anyIn()]).toEqual([false, false, false]);
  expect(flowsAlive(rig.ec2.network, face)).toEqual([]);
  expect(await rig.act(close)).toMatchObject({ kind: "already" });
  expect(await rig.undo(isolate, done)).toMatchObject({ kind: "done", detail: expect.stringContaining("4 of our groups deleted") });
  expect(rig.planted.interfaces.map(({ groups }) => groups)).toEqual([[rig.planted.web.id], [rig.planted.database.id]]);
});

test("without endpoints, plan and act say that HTTPS to anywhere stays open until memory is done; then a connection that used it ends", async () => {
  rig.ec2.network.vpcEndpoints.splice(0);
  const steps = await rig.plan(now);
  const [isolate, close] = [stepNamed(steps, "isolate:network"), stepNamed(steps, "isolate:close")];
  const said = /HTTPS to ANYWHERE stays open in vpc-0123456789abcdef0, since vpc-0123456789abcdef0 has no endpoint for ssm, ssmmessages, s3/;
  expect(isolate.title).toMatch(said);
  expect((await rig.act(isolate)).detail).toMatch(said);
  expect([out(attacker), out("2001:db8::66"), out(attacker, 80), anyIn()]).toEqual([true, true, false, false]);
  const face = rig.planted.interfaces[1].id;
  beginFlow(rig.ec2.network, { interface: face, begun: "out", protocol: "tcp", remote: attacker, port: 443, tracked: "by-rules" });
  expect(await rig.act(close)).toMatchObject({ kind: "done" });
  expect(out(attacker)).toBe(false);
  expect(flowsAlive(rig.ec2.network, face)).toEqual([]);
});

test("where the endpoints may not be looked at, that is the reason that is given", async () => {
  plantEndpoints();
  rig.fake.faults.add({ on: "ec2:DescribeVpcEndpoints", does: { kind: "deny" } });
  expect(stepNamed(await rig.plan(now), "isolate:network").title).toMatch(
    /HTTPS to ANYWHERE.*could not be looked at \(ec2:DescribeVpcEndpoints: UnauthorizedOperation/,
  );
});

test.for([
  { what: "no memory was asked for", kinds: ["state"] as const, state: "running" as const },
  { what: "the instance does not run", kinds: null, state: "stopped" as const },
])("no way is left where $what", async ({ kinds, state }) => {
  rig.instance.state = state;
  const steps = await rig.plan(now, kinds);
  expect(steps.map(({ id }) => id)).toEqual(["isolate:network"]);
  expect(await rig.act(stepNamed(steps, "isolate:network"))).toMatchObject({ kind: "done" });
  expect([out("10.0.1.200"), out(attacker), rig.calls("DescribeVpcEndpoints")]).toEqual([false, false, 0]);
});

test("a rule that somebody gave our quarantine while memory was taken is taken away, and what began by it is cut", async () => {
  plantEndpoints();
  const steps = await rig.plan(now);
  await rig.act(stepNamed(steps, "isolate:network"));
  await rig.act(stepNamed(steps, "isolate:close"));
  const group = rig.ec2.network.groups.find(({ name }) => name.startsWith("holdfast-quarantine"));
  const wide = rig.planted.byDefault.rules.find(({ egress }) => egress);
  if (group === undefined || wide === undefined) throw new Error("nothing is planted");
  group.rules = [...group.rules, { ...wide, id: "sgr-0123456789abcdefe" }];
  beginFlow(rig.ec2.network, { interface: rig.planted.interfaces[0].id, begun: "out", protocol: "tcp", remote: attacker, port: 443, tracked: "by-rules" });
  expect(await rig.act(stepNamed(steps, "isolate:close"))).toMatchObject({ kind: "done", detail: expect.stringContaining("somebody had changed our groups") });
  expect([out(attacker), flowsAlive(rig.ec2.network, rig.planted.interfaces[0].id)]).toEqual([false, []]);
});

test("an interface that somebody moved out meanwhile is not closed over their head, and is named", async () => {
  plantEndpoints();
  const steps = await rig.plan(now);
  await rig.act(stepNamed(steps, "isolate:network"));
  rig.planted.interfaces[1].groups = [rig.planted.database.id];
  expect(await rig.act(stepNamed(steps, "isolate:close"))).toMatchObject({
    kind: "failed",
    detail: expect.stringMatching(/closed on eni-0123456789abcdef0,.*NOT closed: eni-0123456789abcdef1 is in .*somebody changed it since/s),
  });
  expect(rig.planted.interfaces[1].groups).toEqual([rig.planted.database.id]);
});

test("somebody who takes our tag off our groups keeps no way open, and undo still knows them", async () => {
  const steps = await rig.plan(now);
  const [isolate, close] = [stepNamed(steps, "isolate:network"), stepNamed(steps, "isolate:close")];
  const done = await rig.act(isolate);
  expect(out(attacker)).toBe(true);
  untag();
  expect(await rig.act(close)).toMatchObject({ kind: "done", detail: expect.stringContaining("closed on eni-0123456789abcdef0, eni-0123456789abcdef1") });
  expect(out(attacker)).toBe(false);
  expect(await rig.undo(isolate, done)).toMatchObject({ kind: "done", detail: expect.stringContaining("3 of our groups deleted") });
});

test("without our tag, and where isolation came to no result, it is not said that no way is open", async () => {
  const steps = await rig.plan(now);
  rig.fake.faults.add({
    on: "ec2:ModifyNetworkInterfaceAttribute",
    when: ({ params }) => params["NetworkInterfaceId"] === rig.planted.interfaces[1].id,
    times: 1000,
    does: { kind: "deny" },
  });
  expect(await rig.act(stepNamed(steps, "isolate:network"))).toMatchObject({ kind: "failed" });
  untag();
  expect(await rig.act(stepNamed(steps, "isolate:close"))).toMatchObject({ kind: "failed", detail: expect.stringContaining("does not carry our tag") });
});

function untag(): void {
  const { groups } = rig.ec2.network;
  for (const [i, group] of groups.entries()) if (group.name.startsWith("holdfast-")) groups.splice(i, 1, { ...group, tags: new Map() });
}
