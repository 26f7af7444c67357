import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { home } from "./link-rig.ts";
import { dataVolume, openDiskRig, type DiskRig, rootVolume } from "./disk-rig.ts";

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

describe("the plan", () => {
  test("names each volume with its device and size, locks side by side, and every call with its right", async () => {
    const { steps } = await rig.plan(diskRooms);
    expect(steps.map(({ id, lane, after }) => [id, lane, after])).toEqual([
      ["snapshots", "disk", []],
      [`disk:${rootVolume}`, `disk:${rootVolume}`, ["snapshots"]],
      [`disk:${dataVolume}`, `disk:${dataVolume}`, ["snapshots"]],
    ]);
    expect(steps.map(({ estimate }) => estimate.bytes)).toEqual([0, 0, 0]); // nothing goes to the vault
    expect(steps[0]?.title).toContain(`${rootVolume} (/dev/xvda, 1 GiB), ${dataVolume} (/dev/sdf, 1 GiB)`);
    expect(steps[0]?.calls).toContainEqual({ call: "ec2:CreateSnapshots", needs: "ec2:CreateSnapshots, ec2:CreateTags", changes: true });
    expect((await rig.plan(diskRooms, { kinds: ["memory"] })).steps).toEqual([]);
  });

  test("knows the volumes from the instance where they may not be described", async () => {
    rig.ec2.denied.add(`${home}:DescribeVolumes`);
    const plan = await rig.plan(diskRooms);
    expect(plan.steps.map(({ id }) => id)).toEqual(["snapshots", `disk:${rootVolume}`, `disk:${dataVolume}`]);
    const collector = rig.collector();
    const drive = rig.drive(plan);
    expect((await drive.act(collector, "snapshots")).kind).toBe("done");
    expect(await drive.open(collector, `disk:${dataVolume}`)).toMatchObject({ kind: "held", exhibit: { held: { bytes: 2 ** 30 } } });
  });

  test("an instance without EBS volumes has an exhibit that says what is lost", async () => {
    rig.instance.mappings.splice(0);
    const { steps } = await rig.plan(diskRooms);
    expect(steps).toMatchObject([{ id: "disk", does: "exhibit", input: { notOffered: expect.stringContaining("instance store") } }]);
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
    ["shorter than a day", "2026-11-24T13:00:00Z", "2026-11-25T12:30:00Z"],
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
