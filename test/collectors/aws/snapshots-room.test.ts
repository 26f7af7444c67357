import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { attachVolume, newInstance, newVolume } from "../../clouds/aws/ec2-made.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { home } from "./link-rig.ts";
import { dataVolume, openDiskRig, region, type DiskRig, rootVolume } from "./disk-rig.ts";

const diskRooms = ["snapshots", "disk"];
let rig: DiskRig;
beforeEach(async () => {
  rig = await openDiskRig();
});
afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
  await rig.close();
});

const sets = (): number => new Set(rig.ec2.snapshots.map(({ started }) => started.getTime())).size;

describe("snapshots", () => {
  test("all volumes are snapshotted by one call, tagged for their collection, without the tags of the volumes", async () => {
    rig.ec2.volumes[0]?.tags.set("DeleteAfter", "1 day");
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    const done = await drive.act(collector, "snapshots");
    expect(done.kind).toBe("done");
    expect(rig.calls("CreateSnapshots")).toBe(1);
    expect(rig.ec2.snapshots.map(({ volume }) => volume)).toEqual([rootVolume, dataVolume]);
    for (const { tags } of rig.ec2.snapshots)
      expect(Object.fromEntries(tags)).toEqual({ "holdfast:case": "C-7", "holdfast:collection": "20261124T120000Z-9f3a1c" });
    expect(done.result).toMatchObject([
      { volume: rootVolume, snapshot: rig.ec2.snapshots[0]?.id, sizeGiB: 1, encrypted: false, startTime: "2026-11-24T12:00:00.000Z" },
      { volume: dataVolume, snapshot: rig.ec2.snapshots[1]?.id },
    ]);
    expect(done.requestIds).toHaveLength(1);
  });

  test("an answer that is lost makes no second set: it is looked for, through empty pages", async () => {
    rig.fake.faults.add({ on: "ec2:CreateSnapshots", does: { kind: "lost-answer" } });
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.before(collector, "snapshots");
    rig.ec2.emptyPages = 2;
    expect((await drive.act(collector, "snapshots")).kind).toBe("done");
    expect(rig.ec2.snapshots).toHaveLength(2);
  });

  test("killed after the call and driven again by another process, there is still one set", async () => {
    const first = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    const killed = new AbortController();
    rig.fake.faults.add({ on: "ec2:CreateSnapshots", does: { kind: "lost-answer" } });
    rig.onSleep = () => killed.abort(new Error("killed"));
    await expect(drive.act(first, "snapshots", killed.signal)).rejects.toThrow("killed");
    rig.onSleep = () => {};
    rig.pass(60_000);
    const done = await drive.act(rig.collector(), "snapshots");
    expect(done.kind).toBe("done");
    expect(done.detail).toContain("found again after an interruption");
    expect(rig.ec2.snapshots).toHaveLength(2);
    expect(sets()).toBe(1);
  });

  test("what EC2 shows only after a while is waited for after a kill, not made again", async () => {
    const first = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    const made = await drive.act(first, "snapshots");
    const hidden = rig.ec2.snapshots.splice(0);
    rig.onSleep = () => void rig.ec2.snapshots.push(...hidden.splice(0));
    const again = await drive.act(rig.collector(), "snapshots");
    expect(again.result).toEqual(made.result);
    expect(rig.calls("CreateSnapshots")).toBe(1);
  });

  test("a snapshot that carried our tag before we made any is not taken for ours", async () => {
    const collector = rig.collector();
    const plan = await rig.plan(diskRooms);
    await rig.drive(plan).act(collector, "snapshots");
    const planted = rig.ec2.snapshots.map(({ id }) => id);
    rig.pass(1000);
    const done = await rig.drive(plan).act(rig.collector(), "snapshots");
    expect(rig.ec2.snapshots).toHaveLength(4);
    for (const id of planted) expect(JSON.stringify(done.result)).not.toContain(id);
  });

  test("snapshots that somebody gave our tag meanwhile do not take the place of the set", async () => {
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.before(collector, "snapshots");
    rig.onSleep = () => {
      if (rig.ec2.snapshots.length !== 2) return;
      const [one] = rig.ec2.snapshots;
      if (one !== undefined) rig.ec2.snapshots.push({ ...one, id: "snap-0f0f0f0f0f0f0f0f0", started: new Date(one.started.getTime() - 1000) });
    };
    rig.fake.faults.add({ on: "ec2:CreateSnapshots", does: { kind: "lost-answer" } });
    const done = await drive.act(collector, "snapshots");
    expect(rig.ec2.snapshots).toHaveLength(3);
    expect(done.result).toHaveLength(2);
    expect(done.detail).toContain("snap-0f0f0f0f0f0f0f0f0 carries this collection's tag and is of another moment");
  });

  test("refused a snapshot, one of long ago that somebody gave our tag is none of this collection's", async () => {
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.before(collector, "snapshots");
    await drive.act(rig.collector(), "snapshots");
    const [old] = rig.ec2.snapshots.splice(0);
    if (old === undefined) throw new Error("nothing was made");
    rig.ec2.snapshots.push({ ...old, started: new Date("2026-11-20T00:00:00Z") });
    rig.fake.faults.add({ on: "ec2:CreateSnapshots", times: Number.POSITIVE_INFINITY, does: { kind: "deny" } });
    const refused = rig.drive(await rig.plan(diskRooms));
    await refused.act(rig.collector(), "snapshots");
    expect(await refused.open(rig.collector(), `disk:${rootVolume}`)).toMatchObject({ kind: "none", outcome: "denied" });
  });

  test.for([
    ["deny", { kind: "deny" }, "denied"],
    ["a quota", { kind: "refuse", code: "PendingSnapshotLimitExceeded" }, "unavailable"],
    ["an instance that is gone", { kind: "refuse", code: "InvalidInstanceID.NotFound" }, "unavailable"],
  ] as const)("%s is an answer with AWS's words and request id, and the exhibit says so", async ([, does, kind]) => {
    rig.fake.faults.add({ on: "ec2:CreateSnapshots", times: Number.POSITIVE_INFINITY, does });
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    const done = await drive.act(collector, "snapshots");
    expect(done).toMatchObject({ kind, result: null });
    expect(done.detail).toContain(done.requestIds[0]);
    expect(await drive.open(collector, `disk:${rootVolume}`)).toMatchObject({ kind: "none", outcome: kind });
  });

  test("throttling is waited out", async () => {
    rig.fake.faults.add({ on: "ec2:CreateSnapshots", times: 3, does: { kind: "throttle", code: "SnapshotCreationPerVolumeRateExceeded" } });
    const collector = rig.collector();
    expect((await rig.drive(await rig.plan(diskRooms)).act(collector, "snapshots")).kind).toBe("done");
    expect(sets()).toBe(1);
  });

  test("volumes attached and detached since the plan, shared volumes and instance store are named", async () => {
    Object.assign(rig.instance, { instanceStore: ["ephemeral0"] });
    const other = newInstance({ account: home, region, id: "i-0fffffffffffffff0", vpc: rig.instance.vpc, subnet: rig.instance.subnet });
    const [root] = rig.ec2.volumes;
    if (root !== undefined) attachVolume(other, root, "/dev/sdz", false);
    rig.ec2.instances.push(other);
    const collector = rig.collector();
    const plan = await rig.plan(diskRooms);
    expect(plan.steps.find(({ id }) => id === "snapshots")?.title).toMatch(/instance store .* is lost when the instance stops/);
    const late = newVolume({ account: home, region, id: "vol-0cccccccccccccccc" });
    rig.ec2.volumes.push(late);
    rig.instance.mappings.splice(1, 1);
    attachVolume(rig.instance, late, "/dev/sdg", false);
    const drive = rig.drive(plan);
    const done = await drive.act(collector, "snapshots");
    expect(done.detail).toMatch(/vol-0cccccccccccccccc was attached after the plan/);
    expect(done.detail).toMatch(/vol-0bbbbbbbbbbbbbbbb is not among them/);
    expect(done.detail).toContain("instance store");
    expect(done.detail).toContain(`${rootVolume} is attached to i-0fffffffffffffff0 too`);
    expect(await drive.open(collector, `disk:${dataVolume}`)).toMatchObject({ kind: "none", outcome: "unavailable" });
    expect(await drive.open(collector, `disk:${rootVolume}`)).toMatchObject({
      kind: "held",
      exhibit: { detail: expect.stringMatching(/vol-0cccccccccccccccc .* locked in compliance mode/) },
    });
    expect(rig.ec2.snapshots.find(({ volume }) => volume === late.id)?.lock?.mode).toBe("compliance");
  });
});
