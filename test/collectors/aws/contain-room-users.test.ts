import { afterEach, beforeEach, expect, test } from "vitest";
import type { Containment, Step } from "../../../src/core/plan.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { iamAccount, type IamUser } from "../../clouds/aws/iam-world.ts";
import { userKey } from "../../clouds/aws/key-ring.ts";
import { type ContainRig, openContainRig, stepNamed } from "./contain-rig.ts";
import { away, home } from "./link-rig.ts";

const wish = (...users: readonly string[]): Containment => ({ when: "now", network: false, identity: false, users });
const created = new Date("2026-01-01T00:00:00Z");
const stolen = userKey(home, "mallory");
let rig: ContainRig;
let mallory: IamUser;
let trent: IamUser;
beforeEach(async () => {
  rig = await openContainRig();
  const account = iamAccount();
  rig.iam.accounts.set(home, account);
  rig.keys.register(stolen);
  mallory = {
    name: "mallory",
    created,
    inline: new Map(),
    keys: [
      { id: stolen.accessKeyId, created, status: "Active" },
      { id: "AKIA00000000000000M2", created, status: "Inactive" },
    ],
  };
  trent = { name: "trent", created, inline: new Map(), keys: [{ id: "AKIA00000000000000T1", created, status: "Active" }] };
  for (const user of [mallory, trent]) account.users.set(user.name, user);
});
afterEach(async () => {
  await expectAsModelled(rig.fake);
  await rig.close();
});

const planned = async (...users: readonly string[]): Promise<Step> => stepNamed(await rig.plan(wish(...users)), "isolate:users");
const states = ({ keys }: IamUser): readonly string[] => keys.map(({ status }) => status);

test("active keys of the named users are disabled, by name or ARN, and undo reactivates exactly those", async () => {
  const step = await planned("mallory", `arn:aws:iam::${home}:user/staff/trent`, "mallory");
  expect(step).toMatchObject({ lane: "first", input: { users: ["mallory", "trent"] }, title: expect.stringContaining("mallory, trent") });
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "done", detail: expect.stringContaining(stolen.accessKeyId) });
  expect(done.requestIds).toHaveLength(2);
  expect([states(mallory), states(trent)]).toEqual([["Inactive", "Inactive"], ["Inactive"]]);
  expect(rig.keys.find(stolen.accessKeyId)).toBe(null);
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  expect([states(mallory), states(trent)]).toEqual([["Active", "Inactive"], ["Active"]]);
  expect(await rig.undo(step, done)).toMatchObject({ kind: "already" });
});

test("after a crash the keys that were disabled are known, and none that was off before", async () => {
  const step = await planned("mallory", "trent");
  rig.fake.faults.add({ on: "iam:UpdateAccessKey", from: 2, times: 100, does: { kind: "server-error" } });
  await rig.act(step).catch(() => undefined);
  rig.fake.faults.clear();
  expect([states(mallory), states(trent)]).toEqual([["Inactive", "Inactive"], ["Active"]]);
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "done", result: { disabled: { mallory: [stolen.accessKeyId], trent: ["AKIA00000000000000T1"] } } });
  await rig.undo(step, null);
  expect([states(mallory), states(trent)]).toEqual([["Active", "Inactive"], ["Active"]]);
});

test("a key that somebody else had switched off by then is not ours to switch on", async () => {
  const step = await planned("mallory");
  await rig.before(step);
  for (const key of mallory.keys) key.status = "Inactive";
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "already" });
  expect(await rig.undo(step, done)).toMatchObject({ kind: "already" });
  expect(states(mallory)).toEqual(["Inactive", "Inactive"]);
});

test("a user that is not there, or not to be touched, does not spare the others", async () => {
  const step = await planned("nobody", "trent");
  const done = await rig.act(step);
  expect(done).toMatchObject({
    kind: "failed",
    detail: expect.stringMatching(/trent: AKIA00000000000000T1.*NOT done: iam:ListAccessKeys: NoSuchEntity/s),
  });
  expect(states(trent)).toEqual(["Inactive"]);
  rig.fake.faults.add({ on: "iam:UpdateAccessKey", times: 9, does: { kind: "deny" } });
  const other = await planned("mallory");
  expect(await rig.act({ ...other, id: "isolate:users-2" })).toMatchObject({
    kind: "denied",
    detail: expect.stringMatching(/AccessDenied.*request [0-9a-f-]{36}/),
  });
});

test("a key whose change was accepted and could not be read back is given back by undo all the same", async () => {
  const step = await planned("mallory");
  rig.fake.faults.add({ on: "iam:ListAccessKeys", from: 3, times: 99, does: { kind: "deny" } });
  const done = await rig.act(step);
  expect(done).toMatchObject({ kind: "failed" });
  expect(states(mallory)).toEqual(["Inactive", "Inactive"]);
  rig.fake.faults.clear();
  expect(await rig.undo(step, done)).toMatchObject({ kind: "done" });
  expect(states(mallory)).toEqual(["Active", "Inactive"]);
});

test("a key that was deleted since is named by undo", async () => {
  const step = await planned("mallory");
  const done = await rig.act(step);
  mallory.keys.splice(0, 1);
  expect(await rig.undo(step, done)).toMatchObject({ kind: "failed", detail: expect.stringContaining("is gone: somebody deleted it since") });
});

test.for([
  { user: "investigator", says: /Holdfast itself works with a key of investigator/ },
  { user: `arn:aws:iam::${away}:user/eve`, says: /is not of account 111122223333/ },
  { user: `arn:aws:iam::${home}:role/web`, says: /is neither the name nor the ARN of an IAM user/ },
  { user: "two words", says: /is neither the name nor the ARN of an IAM user/ },
])("$user is refused in the plan", async ({ user, says }) => {
  await expect(rig.plan(wish(user))).rejects.toThrow(says);
});

test("doctor counts the keys, and says what it cannot try", async () => {
  const answers = await rig.doctor(wish("mallory", "nobody"));
  expect(answers.map(({ ok, text }) => [ok, text])).toEqual([
    [true, "mallory: 1 active access keys"],
    [false, expect.stringContaining("NoSuchEntity")],
    [true, "not tried: UpdateAccessKey: it has no dry run"],
  ]);
});
