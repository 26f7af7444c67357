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
  });
});

describe("the locked snapshot", () => {
  test("it is locked while pending, until the retention, without a cooling-off period; then it is waited for and held", async () => {
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.act(collector, "snapshots");
    const [root] = rig.ec2.snapshots;
    let pendingAtLock = false;
    rig.onSleep = () => {
      pendingAtLock ||= root?.lock !== null && rig.now().getTime() < (root?.doneAt ?? 0);
    };
    const opened = await drive.open(collector, `disk:${rootVolume}`);
    expect(pendingAtLock).toBe(true);
    expect(root?.lock).toMatchObject({ mode: "compliance", coolOff: null, until: { kind: "date", date: new Date(drive.retainUntil) } });
    expect(opened).toMatchObject({
      kind: "held",
      exhibit: {
        outcome: "collected",
        detail: null,
        held: {
          provider: "aws",
          uri: `arn:aws:ec2:eu-west-1::snapshot/${root?.id}`,
          bytes: 2 ** 30,
          asked: { mode: "snapshot", retainUntil: drive.retainUntil, legalHold: false },
          reference: { snapshot: root?.id, region: "eu-west-1", scope: "source" },
        },
      },
    });
    expect(drive.recorded).toMatchObject([{ once: `lock:${root?.id}`, done: { kind: "done" } }]);
    const delays = rig.waits.slice(-4);
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  });

  test("interrupted while waiting, it is not locked twice and waited on", async () => {
    const first = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.act(first, "snapshots");
    const killed = new AbortController();
    rig.onSleep = () => killed.abort(new Error("killed"));
    await expect(drive.open(first, `disk:${rootVolume}`, killed.signal)).rejects.toThrow("killed");
    rig.onSleep = () => {};
    expect(await drive.open(rig.collector(), `disk:${rootVolume}`)).toMatchObject({ kind: "held" });
    expect(rig.calls("LockSnapshot")).toBe(1);
    expect(drive.recorded).toHaveLength(1);
  });

  test("one that goes to error is failed, with AWS's own words", async () => {
    rig.ec2.fails.add(rootVolume);
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.act(collector, "snapshots");
    expect(await drive.open(collector, `disk:${rootVolume}`)).toMatchObject({
      kind: "none",
      outcome: "failed",
      detail: expect.stringMatching(/went to state error: An internal error has occurred/),
    });
    expect(await drive.open(collector, `disk:${dataVolume}`)).toMatchObject({ kind: "held" });
  });

  test("one that somebody deletes meanwhile is failed", async () => {
    rig.ec2.denied.add(`${home}:LockSnapshot`);
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.act(collector, "snapshots");
    rig.onSleep = () => void rig.ec2.snapshots.splice(0);
    expect(await drive.open(collector, `disk:${rootVolume}`)).toMatchObject({
      kind: "none",
      outcome: "failed",
      detail: expect.stringContaining("somebody deleted it"),
    });
  });

  test("one that never moves on is not waited for longer than a day", async () => {
    rig.ec2.snapshotSeconds = Number.POSITIVE_INFINITY;
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.act(collector, "snapshots");
    expect(await drive.open(collector, `disk:${rootVolume}`)).toMatchObject({
      kind: "none",
      outcome: "failed",
      detail: expect.stringContaining("not moved for a day"),
    });
  });

  test("a lock that is denied leaves it held, and says so", async () => {
    rig.ec2.denied.add(`${home}:LockSnapshot`);
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms));
    await drive.act(collector, "snapshots");
    const opened = await drive.open(collector, `disk:${rootVolume}`);
    expect(opened).toMatchObject({ kind: "held", exhibit: { outcome: "collected", detail: expect.stringContaining("UnauthorizedOperation") } });
    expect(drive.recorded).toMatchObject([{ done: { kind: "denied", result: null } }]);
  });

  test.for([
    ["shorter than a day", "2026-11-24T13:00:00Z", "2026-11-25T12:10:00Z"],
    ["longer than 36,500 days", "2150-01-01T00:00:00Z", "2126-10-31T11:00:00Z"],
  ] as const)("a retention %s is locked as near to it as EC2 allows", async ([, retainUntil, locked]) => {
    const collector = rig.collector();
    const drive = rig.drive(await rig.plan(diskRooms), { retainUntil, legalHold: true });
    await drive.act(collector, "snapshots");
    const opened = await drive.open(collector, `disk:${rootVolume}`);
    expect(rig.ec2.snapshots[0]?.lock?.until).toMatchObject({ date: new Date(locked) });
    expect(opened.kind === "held" ? opened.exhibit.detail : null).toContain("EBS knows no legal hold");
    if (locked < retainUntil) expect(opened.kind === "held" ? opened.exhibit.detail : null).toContain("36,500 days at most");
  });
});
