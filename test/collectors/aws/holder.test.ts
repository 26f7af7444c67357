import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Collector } from "../../../src/core/collector.ts";
import type { Held } from "../../../src/core/held.ts";
import type { ObjectState, Receipt } from "../../../src/core/vault.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import type { Ec2Snapshot } from "../../clouds/aws/ec2-world.ts";
import { home } from "./link-rig.ts";
import { type DiskRig, openDiskRig, rootVolume } from "./disk-rig.ts";

let rig: DiskRig;
let collector: Collector;
beforeEach(async () => {
  rig = await openDiskRig();
  collector = rig.collector();
});
afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
  await rig.close();
});

async function hold(
  over: { readonly legalHold?: boolean; readonly retainUntil?: string } = {},
): Promise<{ readonly held: Held; readonly snapshot: Ec2Snapshot }> {
  const drive = rig.drive(await rig.plan(["snapshots", "disk"]), over);
  await drive.act(collector, "snapshots");
  const opened = await drive.open(collector, `disk:${rootVolume}`);
  const [snapshot] = rig.ec2.snapshots;
  if (opened.kind !== "held" || snapshot === undefined) throw new Error(`not held: ${JSON.stringify(opened)}`);
  return { held: opened.exhibit.held, snapshot };
}

function attest(held: Held): Promise<ObjectState> {
  if (collector.holder === null) throw new Error("no holder");
  return collector.holder.attest(held, rig.signal);
}

async function receiptOf(held: Held): Promise<Receipt> {
  const state = await attest(held);
  if (state.kind !== "present") throw new Error(JSON.stringify(state));
  return state.receipt;
}

describe("attest", () => {
  test("a compliance lock that lasts as long as asked is irrevocable and sealed", async () => {
    const { held } = await hold();
    rig.ec2.emptyPages = 2;
    const receipt = await receiptOf(held);
    expect(receipt).toMatchObject({
      uri: held.uri,
      lock: "irrevocable",
      mode: "snapshot",
      retainUntil: "2027-02-22T12:00:00Z",
      sealed: true,
      problems: [],
      legalHold: null,
      bytes: String(2 ** 30),
    });
    expect(receipt.requestIds).toHaveLength(6);
    expect(receipt.text).toContain("does not protect its KMS key");
  });

  test("a lock that was accepted and is not there is no lock", async () => {
    rig.ec2.lies.add("lock-accepted-not-there");
    const { held } = await hold();
    expect(await receiptOf(held)).toMatchObject({ lock: "none", mode: null, retainUntil: null, sealed: false, problems: ["it is not locked"] });
  });

  test("a lock in its cooling-off period can be lifted, and says until when", async () => {
    rig.ec2.lies.add("lock-cooloff");
    const { held } = await hold();
    const receipt = await receiptOf(held);
    expect(receipt).toMatchObject({ lock: "bypassable", sealed: false });
    expect(receipt.problems).toEqual([expect.stringContaining("2026-11-25T12:00:00.000Z")]);
    rig.pass(25 * 3_600_000);
    expect(await receiptOf(held)).toMatchObject({ lock: "irrevocable", sealed: true });
  });

  test("a governance lock can be lifted by who has the right", async () => {
    rig.ec2.denied.add(`${home}:LockSnapshot`);
    const { held, snapshot } = await hold();
    snapshot.lock = { mode: "governance", created: rig.now(), coolOff: null, until: { kind: "days", days: 365 } };
    expect(await receiptOf(held)).toMatchObject({ lock: "bypassable", sealed: false, problems: [expect.stringContaining("governance")] });
  });

  test("a lock that ends earlier than asked, one that has expired, and an asked hold are problems", async () => {
    const { held } = await hold();
    const longer = { ...held, asked: { ...held.asked, retainUntil: "2028-01-01T00:00:00Z" } };
    expect(await receiptOf(longer)).toMatchObject({
      lock: "irrevocable",
      sealed: false,
      problems: ["it is locked until 2027-02-22T12:00:00Z, not until 2028-01-01T00:00:00Z"],
    });
    expect(await receiptOf({ ...held, asked: { ...held.asked, legalHold: true } })).toMatchObject({
      sealed: false,
      problems: [expect.stringContaining("EBS does not know")],
    });
    expect(await receiptOf({ ...held, bytes: 2 ** 31 })).toMatchObject({ sealed: false, problems: [expect.stringContaining("1 GiB")] });
    rig.pass(365 * 86_400_000);
    expect(await receiptOf(held)).toMatchObject({ lock: "none", sealed: false });
  });

  test("the lock of a snapshot that is pending has no end yet, which is said", async () => {
    const { held, snapshot } = await hold();
    Object.assign(snapshot, { doneAt: Number.POSITIVE_INFINITY });
    const receipt = await receiptOf(held);
    expect(receipt).toMatchObject({ lock: "irrevocable", retainUntil: null, sealed: false });
    expect(receipt.problems).toEqual([expect.stringContaining("begins when it is completed")]);
  });

  test("what may not be read is unknown; what EC2 does not have is missing", async () => {
    const { held } = await hold();
    rig.ec2.denied.add(`${home}:DescribeLockedSnapshots`);
    expect(await receiptOf(held)).toMatchObject({ lock: "unknown", mode: null, sealed: false });
    rig.ec2.denied.add(`${home}:DescribeSnapshots`);
    expect(await attest(held)).toMatchObject({ kind: "unknown", text: expect.stringContaining("UnauthorizedOperation") });
    rig.ec2.denied.clear();
    rig.ec2.snapshots.splice(0);
    expect(await attest(held)).toMatchObject({ kind: "missing" });
  });

  test("a service that does not answer says nothing of the snapshot", async () => {
    const { held } = await hold();
    rig.fake.faults.add({ on: "ec2:DescribeSnapshots", times: Number.POSITIVE_INFINITY, does: { kind: "server-error" } });
    expect(await attest(held)).toMatchObject({ kind: "unknown" });
  });

  test("an evidence role that may not be assumed leaves a copy unknown", async () => {
    const { held } = await hold();
    const copy = { ...held, reference: { snapshot: "snap-0123456789abcdef0", region: "eu-west-1", scope: "evidence" } };
    expect(await attest(copy)).toMatchObject({ kind: "unknown", text: expect.stringContaining("aws.evidenceAccount") });
  });
});

describe("extend", () => {
  const extend = (held: Held, until: string): Promise<readonly string[]> =>
    collector.holder?.extend(held, until, rig.signal) ?? Promise.reject(new Error("no holder"));

  test("later only, and read back", async () => {
    const { held } = await hold();
    expect((await extend(held, "2028-01-01T00:00:00Z")).length).toBe(3);
    expect((await receiptOf(held)).retainUntil).toBe("2028-01-01T00:00:00Z");
    await expect(extend(held, "2027-06-01T00:00:00Z")).rejects.toMatchObject({ code: "refused", message: expect.stringContaining("2028-01-01") });
    const calls = rig.calls("LockSnapshot");
    await extend(held, "2028-01-01T00:00:00Z");
    expect(rig.calls("LockSnapshot")).toBe(calls);
  });

  test("a refusal, and an extension that is accepted and not shown, are told", async () => {
    const { held } = await hold();
    rig.ec2.lies.add("lock-accepted-not-there");
    await expect(extend(held, "2028-01-01T00:00:00Z")).rejects.toMatchObject({ code: "vault", message: expect.stringContaining("do not rely on") });
    rig.ec2.denied.add(`${home}:LockSnapshot`);
    await expect(extend(held, "2028-01-01T00:00:00Z")).rejects.toMatchObject({ code: "vault", message: expect.stringContaining("UnauthorizedOperation") });
  });
});
