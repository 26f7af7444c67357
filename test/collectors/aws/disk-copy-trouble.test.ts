import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StepContext } from "../../../src/core/collector.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import type { Ec2Snapshot } from "../../clouds/aws/ec2-world.ts";
import { evidence, plantKeys } from "./evidence-account.ts";
import { away, home } from "./link-rig.ts";
import { type DiskRig, openDiskRig, rootVolume } from "./disk-rig.ts";
import type { Drive } from "./step-drive.ts";

const step = `disk-copy:${rootVolume}`;
let rig: DiskRig;
let drive: Drive;
beforeEach(async () => {
  rig = await openDiskRig();
  plantKeys(rig.ec2.kms);
  const collector = rig.collector(evidence);
  drive = rig.drive(await rig.plan(["snapshots", "disk", "disk-copy"], {}, evidence));
  await drive.act(collector, "snapshots");
  await drive.open(collector, `disk:${rootVolume}`);
});
afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
  await rig.close();
});

const copies = (): readonly Ec2Snapshot[] => rig.ec2.snapshots.filter(({ account }) => account === away);
const shares = (): readonly string[] => rig.ec2.snapshots.flatMap(({ shared }) => [...shared]);
const forever = Number.POSITIVE_INFINITY;

describe("the share is withdrawn in every path", () => {
  test.for([
    ["the copy is denied", () => rig.ec2.denied.add(`${away}:CopySnapshot`), { outcome: "denied" }],
    ["the copy ends in error", () => rig.ec2.lies.add("copy-error"), { outcome: "failed", detail: expect.stringContaining("An internal error has occurred") }],
    ["the copy cannot be looked at", () => rig.ec2.denied.add(`${away}:DescribeSnapshots`), { exhibit: { outcome: "truncated" } }],
    [
      "the copy cannot be locked",
      () => rig.ec2.denied.add(`${away}:LockSnapshot`),
      { exhibit: { outcome: "collected", detail: expect.stringContaining("UnauthorizedOperation") } },
    ],
    ["the share cannot be read back", () => rig.ec2.denied.add(`${home}:DescribeSnapshotAttribute`), { kind: "held" }],
    [
      "the share is accepted and not there",
      () => rig.ec2.lies.add("share-accepted-not-there"),
      { outcome: "failed", detail: expect.stringContaining("does not show it") },
    ],
    ["the share is denied", () => rig.ec2.denied.add(`${home}:ModifySnapshotAttribute`), { outcome: "denied" }],
  ] as const)("where %s", async ([, befall, expected]) => {
    befall();
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject(expected);
    expect(shares()).toEqual([]);
  });

  test("where a service breaks down in between", async () => {
    rig.fake.faults.add({ on: "ec2:CopySnapshot", times: forever, does: { kind: "reset-before" } });
    await expect(drive.open(rig.collector(evidence), step)).rejects.toMatchObject({ code: "unreachable" });
    expect(shares()).toEqual([]);
  });

  test("where the person stops it; resumed, it is shared again, and the same copy is waited for", async () => {
    const stop = new AbortController();
    rig.onSleep = () => {
      if (copies().length > 0) stop.abort(new Error("stopped"));
    };
    await expect(drive.open(rig.collector(evidence), step, stop.signal)).rejects.toThrow("stopped");
    expect(shares()).toEqual([]);
    rig.onSleep = () => {};
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held", exhibit: { outcome: "collected" } });
    expect(copies()).toHaveLength(1);
    expect(shares()).toEqual([]);
    expect(drive.recorded.filter((one) => one.step === step && one.once.startsWith("unshare"))).toHaveLength(2);
  });
});

/** As after kill -9: the process's own clean-up never ran. */
async function killed(after: string): Promise<void> {
  const stop = new AbortController();
  rig.fake.faults.add({ on: after, does: { kind: "lost-answer" } });
  rig.onSleep = () => {
    if (rig.fake.faults.fired.length > 0) stop.abort(new Error("killed"));
  };
  await expect(drive.open(rig.collector(evidence), step, stop.signal)).rejects.toThrow("killed");
  rig.onSleep = () => {};
  const source = rig.ec2.snapshots.find(({ volume, account }) => volume === rootVolume && account === home);
  source?.shared.add(away);
  const now = drive.memory(step);
  drive.context(step).remember({ ...(typeof now === "object" ? now : {}), sharing: { snapshot: source?.id ?? "", account: away }, shares: 1 });
}

describe("after a kill", () => {
  test.for(["ec2:ModifySnapshotAttribute", "ec2:CopySnapshot", "ec2:LockSnapshot"])(
    "in the middle of %s, the repeat makes no second copy and withdraws the share",
    async (call) => {
      await killed(call);
      expect(shares()).toEqual([away]);
      rig.pass(10_000);
      expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held", exhibit: { outcome: "collected" } });
      expect(copies()).toHaveLength(1);
      expect(shares()).toEqual([]);
    },
  );

  test("that came while the end of the share was recorded, the end is an act all the same", async () => {
    const context = drive.context(step);
    const killed: StepContext = {
      ...context,
      async record(once, done) {
        if (once.startsWith("unshare")) throw new Error("killed");
        await context.record(once, done);
      },
    };
    await expect(rig.collector(evidence).open(drive.step(step), killed, rig.signal)).rejects.toThrow("killed");
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held" });
    expect(drive.recorded.map(({ once }) => once)).toContain("unshare:1");
    expect(shares()).toEqual([]);
  });

  test("a copy that was completed meanwhile needs no share any more", async () => {
    await killed("ec2:LockSnapshot");
    rig.ec2.snapshots[0]?.shared.clear();
    rig.pass(3_600_000);
    const shared = rig.calls("ModifySnapshotAttribute");
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held" });
    expect(rig.calls("ModifySnapshotAttribute")).toBe(shared + 1); // the withdrawal of what may have been left
  });

  test("cleanup finds the share and withdraws it; a second one finds nothing", async () => {
    await killed("ec2:CopySnapshot");
    expect(await drive.cleanup(rig.collector(evidence), step)).toEqual([expect.stringContaining(`with account ${away}`)]);
    expect(shares()).toEqual([]);
    expect(await drive.cleanup(rig.collector(evidence), step)).toEqual([]);
  });
});

describe("a share that", () => {
  test("cannot be withdrawn at first is tried again", async () => {
    rig.ec2.shareSticks = 20;
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held", exhibit: { outcome: "collected" } });
    expect(shares()).toEqual([]);
  });

  test("stays makes the exhibit truncated, names the cleanup, and cleanup withdraws it later", async () => {
    rig.ec2.shareSticks = forever;
    const opened = await drive.open(rig.collector(evidence), step);
    expect(opened).toMatchObject({ kind: "held", exhibit: { outcome: "truncated", detail: expect.stringContaining(`holdfast cleanup ${drive.collection}`) } });
    expect(shares()).toEqual([away]);
    await expect(drive.cleanup(rig.collector(evidence), step)).rejects.toMatchObject({ code: "unreachable" });
    rig.ec2.shareSticks = 0;
    expect(await drive.cleanup(rig.collector(evidence), step)).toHaveLength(1);
    expect(shares()).toEqual([]);
  });

  test("the account's administrator takes away before the copy is asked for is shared once more", async () => {
    let taken = 0;
    rig.fake.faults.add({ on: "ec2:CopySnapshot", times: 4, does: { kind: "refuse", code: "InvalidSnapshot.NotFound" } });
    rig.onSleep = () => {
      if (rig.calls("CopySnapshot") === 0 || taken > 0) return;
      taken += 1;
      for (const { shared } of rig.ec2.snapshots) shared.clear();
    };
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held", exhibit: { outcome: "collected" } });
    expect(drive.recorded.filter((one) => one.step === step).map(({ once }) => once)).toEqual(
      expect.arrayContaining(["share:1", "share:1:lost", "share:2", "unshare:2"]),
    );
    expect(shares()).toEqual([]);
  });

  test("is taken away again and again is failed with its reason", async () => {
    rig.fake.faults.add({ on: "ec2:CopySnapshot", times: forever, does: { kind: "refuse", code: "InvalidSnapshot.NotFound" } });
    rig.onSleep = () => {
      for (const { shared } of rig.ec2.snapshots) shared.clear();
    };
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({
      kind: "none",
      outcome: "unavailable",
      detail: expect.stringContaining("InvalidSnapshot.NotFound"),
    });
    expect(drive.recorded.filter(({ once }) => once.endsWith(":lost"))).toHaveLength(1);
  });

  test("is taken away while the copy is under way: the copy that fails is not used, another is made", async () => {
    rig.onSleep = () => {
      const [first] = copies();
      if (first === undefined || copies().length > 1 || first.ends.kind === "error") return;
      Object.assign(first, { ends: { kind: "error", message: "Given key ID is not accessible" } });
      for (const { shared } of rig.ec2.snapshots) shared.clear();
    };
    const opened = await drive.open(rig.collector(evidence), step);
    expect(copies()).toHaveLength(2);
    expect(opened).toMatchObject({ kind: "held", exhibit: { held: { reference: { snapshot: copies()[1]?.id } } } });
    expect(shares()).toEqual([]);
  });
});
