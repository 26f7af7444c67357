import { afterEach, beforeEach, expect, test } from "vitest";
import type { Containment, Step } from "../../../src/core/plan.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { newInstance } from "../../clouds/aws/ec2-made.ts";
import { iamAccount, type IamAccount, type IamRole } from "../../clouds/aws/iam-world.ts";
import { collection, type ContainRig, instanceId, openContainRig, stepNamed } from "./contain-rig.ts";
import { home } from "./link-rig.ts";

const identity: Containment = { when: "after-memory", network: false, identity: true, users: [] };
const policyName = `holdfast-revoke-${collection}`;
const profileArn = `arn:aws:iam::${home}:instance-profile/web`;
let rig: ContainRig;
let account: IamAccount;
let role: IamRole;
beforeEach(async () => {
  rig = await openContainRig();
  account = iamAccount();
  rig.iam.accounts.set(home, account);
  role = {
    name: "web-role",
    created: new Date("2026-01-01T00:00:00Z"),
    trust: { Version: "2012-10-17", Statement: [] },
    attached: [],
    inline: new Map([["own", '{"Version":"2012-10-17","Statement":[]}']]),
  };
  account.roles.set(role.name, role);
  account.profiles.set("web", { role: role.name, created: role.created });
});
afterEach(async () => {
  await expectAsModelled(rig.fake);
  await rig.close();
});

const planned = async (more: Partial<Containment> = {}): Promise<Step> => stepNamed(await rig.plan({ ...identity, ...more }), "isolate:identity");
const profiles = (instance = instanceId): readonly string[] =>
  rig.ec2.network.profileAssociations
    .filter((one) => one.instance === instance && (one.state === "associated" || one.state === "associating"))
    .map((one) => one.profileArn);

test("the role is taken from the instance, its sessions until now are denied everything, and undo gives both back", async () => {
  rig.ec2.network.profileWaits = 2;
  const step = await planned();
  expect(step).toMatchObject({
    lane: "contain",
    after: ["memory"],
    undoable: true,
    title: expect.stringContaining("all sessions of role web-role are denied everything"),
  });
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "done", result: { detached: true, revoked: true } });
  expect(done.requestIds).toHaveLength(2);
  expect(profiles()).toEqual([]);
  // The statement that IAM's own console writes for "Revoke active sessions" (IAM User Guide).
  const { Statement } = JSON.parse(role.inline.get(policyName) ?? "null");
  expect(Statement).toEqual([
    {
      Effect: "Deny",
      Action: ["*"],
      Resource: ["*"],
      Condition: { DateLessThan: { "aws:TokenIssueTime": expect.stringMatching(/^2026-11-24T12:00:\d\dZ$/) } },
    },
  ]);
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  expect(profiles()).toEqual([profileArn]);
  expect([...role.inline.keys()]).toEqual(["own"]);
  expect(await rig.undo(step, done)).toMatchObject({ kind: "already" });
});

test("other instances with that profile are named beforehand and in the act, and keep their profile", async () => {
  const other = "i-0fedcba9876543210";
  rig.ec2.instances.push(newInstance({ account: home, region: rig.instance.region, id: other, vpc: rig.instance.vpc, subnet: rig.instance.subnet }));
  const [own] = rig.ec2.network.profileAssociations;
  if (own === undefined) throw new Error("nothing is planted");
  rig.ec2.network.profileAssociations.push({ ...own, id: "iip-assoc-0123456789abcdef9", instance: other });
  const step = await planned();
  expect(step.title).toContain(other);
  expect((await rig.act(step)).detail).toContain(`those of 1 other instances with the same profile too, until they fetch new ones (${other})`);
  expect(profiles(other)).toEqual([profileArn]);
});

test("isolated at once, the role stays until memory is taken, since the agent works with it", async () => {
  expect(await planned({ when: "now" })).toMatchObject({
    lane: "contain",
    after: ["memory"],
    title: expect.stringContaining("after memory, since the agent needs it"),
  });
  const [step] = await rig.plan({ ...identity, when: "now" }, []);
  expect(step).toMatchObject({ lane: "first", after: [] });
});

test.for(["ec2:DisassociateIamInstanceProfile", "iam:PutRolePolicy"])("a lost answer of %s, and a crash after it, do it once", async (on) => {
  const step = await planned();
  rig.fake.faults.add({ on, does: { kind: "lost-answer" } });
  expect(await rig.act(step)).toMatchObject({ kind: "done" });
  const policy = role.inline.get(policyName);
  expect(await rig.act(step)).toMatchObject({ kind: "done", requestIds: [] });
  expect(role.inline.get(policyName)).toBe(policy);
  expect(await rig.undo(step, null)).toMatchObject({ kind: "done" });
  expect([profiles(), [...role.inline.keys()]]).toEqual([[profileArn], ["own"]]);
});

test("a policy of that name that somebody else put there, and that denies nothing, does not pass for the revocation", async () => {
  const step = await planned();
  role.inline.set(policyName, '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}');
  expect(await rig.act(step)).toMatchObject({ kind: "done", result: { revoked: true } });
  expect(JSON.parse(role.inline.get(policyName) ?? "null")).toMatchObject({ Statement: [{ Effect: "Deny" }] });
});

test("a lost answer of AssociateIamInstanceProfile gives the profile back once", async () => {
  const step = await planned();
  const done = await rig.act(step);
  rig.fake.faults.add({ on: "ec2:AssociateIamInstanceProfile", does: { kind: "lost-answer" } });
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  expect(profiles()).toEqual([profileArn]);
});

test("refused both, it is denied with codes and request ids; refused one, it is failed, and undo gives back the other", async () => {
  const step = await planned();
  for (const on of ["ec2:DisassociateIamInstanceProfile", "iam:PutRolePolicy"]) rig.fake.faults.add({ on, does: { kind: "deny" } });
  expect(await rig.act(step)).toMatchObject({ kind: "denied", detail: expect.stringMatching(/UnauthorizedOperation: .*request .*AccessDenied: .*request /s) });
  rig.fake.faults.clear();
  rig.fake.faults.add({ on: "iam:PutRolePolicy", does: { kind: "deny" } });
  const done = await rig.act(step);
  expect(done).toMatchObject({
    kind: "failed",
    result: { detached: true, revoked: false },
    detail: expect.stringContaining("NOT done: iam:PutRolePolicy: "),
  });
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  expect(profiles()).toEqual([profileArn]);
});

test("undo leaves a profile that somebody gave it since", async () => {
  const step = await planned();
  const done = await rig.act(step);
  const [own] = rig.ec2.network.profileAssociations;
  if (own === undefined) throw new Error("nothing is planted");
  rig.ec2.network.profileAssociations.push({ ...own, id: "iip-assoc-0123456789abcdef8", state: "associated", profileArn: `${profileArn}-2` });
  expect(await rig.undo(step, done)).toMatchObject({ kind: "failed", detail: expect.stringContaining(`${profileArn}-2 by now; it was left`) });
  expect(profiles()).toEqual([`${profileArn}-2`]);
});

test("an instance without a profile has nothing to be taken from it", async () => {
  rig.ec2.network.profileAssociations.splice(0);
  const step = await planned();
  expect(step.title).toContain("it has none");
  expect(await rig.act(step)).toMatchObject({ kind: "already" });
});
