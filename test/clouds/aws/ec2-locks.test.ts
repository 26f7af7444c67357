import {
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeLockedSnapshotsCommand,
  EC2Client,
  LockSnapshotCommand,
  type LockSnapshotCommandInput,
  UnlockSnapshotCommand,
} from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { attachVolume, newInstance, newVolume } from "./ec2-made.ts";
import { type Ec2World, ec2World } from "./ec2-world.ts";
import { ec2Service } from "./ec2.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";

const account = "111122223333";
const region = "eu-west-1";
const key = userKey(account, "collector");
const other = userKey("444455556666", "collector");
const id = "i-0123456789abcdef0";
const place = { account, region };
const hour = 3600;
const day = 24 * hour;
let now: Date;
let world: Ec2World;
let fake: AwsFake;
let ec2: EC2Client;
let SnapshotId: string;

beforeEach(async () => {
  now = new Date("2026-05-01T12:00:00.000Z");
  world = ec2World();
  const instance = newInstance({ ...place, id, vpc: "vpc-0123456789abcdef0", subnet: "subnet-0123456789abcdef0" });
  const volume = newVolume({ ...place, id: "vol-0aaaaaaaaaaaaaaaa" });
  attachVolume(instance, volume, "/dev/xvda", true);
  world.instances.push(instance);
  world.volumes.push(volume);
  fake = await openAwsFake({ keys: makeKeyRing([key, other]), services: [ec2Service(world)], clock: () => now });
  ec2 = new EC2Client({ endpoint: fake.url, region, credentials: key, maxAttempts: 1 });
  SnapshotId = await create();
});
afterEach(async () => {
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});

async function create(): Promise<string> {
  const { Snapshots } = await ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: id } }));
  return Snapshots?.[0]?.SnapshotId ?? "";
}

const later = (seconds: number): void => void now.setTime(now.getTime() + seconds * 1000);
const lock = (input: Omit<LockSnapshotCommandInput, "SnapshotId">) => ec2.send(new LockSnapshotCommand({ SnapshotId, ...input }));
const compliance = (LockDuration: number) => lock({ LockMode: "compliance", LockDuration });
const remove = (): Promise<unknown> => ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
const unlock = (): Promise<unknown> => ec2.send(new UnlockSnapshotCommand({ SnapshotId }));
const locked = async () => (await ec2.send(new DescribeLockedSnapshotsCommand({ SnapshotIds: [SnapshotId] }))).Snapshots ?? [];

test("a lock that is set while the snapshot is pending begins when it is completed", async () => {
  later(10);
  const made = await compliance(30);
  expect([made.LockState, made.LockDuration, made.LockExpiresOn, made.LockDurationStartTime]).toEqual(["compliance", 30, undefined, undefined]);
  expect(await locked()).toMatchObject([{ OwnerId: account, LockState: "compliance", LockCreatedOn: new Date("2026-05-01T12:00:10.000Z") }]);
  later(50);
  const [shown] = await locked();
  expect([shown?.LockDurationStartTime?.toISOString(), shown?.LockExpiresOn?.toISOString()]).toEqual(["2026-05-01T12:01:00.000Z", "2026-05-31T12:01:00.000Z"]);
});

test("a compliance lock without a cooling-off period can only be made longer, until it has expired", async () => {
  await compliance(10);
  later(hour);
  await expect(remove()).rejects.toMatchObject({ name: "SnapshotLocked" });
  await expect(unlock()).rejects.toMatchObject({ name: "OperationNotPermitted" });
  await expect(compliance(9)).rejects.toMatchObject({ name: "OperationNotPermitted" });
  await expect(lock({ LockMode: "governance", LockDuration: 20 })).rejects.toMatchObject({ name: "OperationNotPermitted" });
  await expect(lock({ LockMode: "compliance", LockDuration: 20, CoolOffPeriod: 1 })).rejects.toMatchObject({ name: "InvalidParameterCombination" });
  await compliance(10);
  await lock({ LockMode: "compliance", ExpirationDate: new Date("2026-05-21T12:01:00.000Z") });
  await expect(compliance(19)).rejects.toMatchObject({ name: "OperationNotPermitted" });
  expect((await locked())[0]).toMatchObject({ LockState: "compliance", LockDuration: 20, LockExpiresOn: new Date("2026-05-21T12:01:00.000Z") });
  later(21 * day);
  expect((await locked())[0]?.LockState).toBe("expired");
  await remove();
  expect(world.snapshots.length).toBe(0);
});

test("in the cooling-off period a compliance lock seals nothing yet", async () => {
  const made = await lock({ LockMode: "compliance", LockDuration: 10, CoolOffPeriod: 2 });
  expect([made.LockState, made.CoolOffPeriod, made.CoolOffPeriodExpiresOn?.toISOString()]).toEqual(["compliance-cooloff", 2, "2026-05-01T14:00:00.000Z"]);
  later(hour);
  await expect(remove()).rejects.toMatchObject({ name: "SnapshotLocked" });
  expect((await compliance(1)).LockState).toBe("compliance-cooloff");
  await unlock();
  expect(await locked()).toEqual([]);
  await lock({ LockMode: "compliance", LockDuration: 10, CoolOffPeriod: 1 });
  later(hour);
  expect((await locked())[0]?.LockState).toBe("compliance");
  await expect(unlock()).rejects.toMatchObject({ name: "OperationNotPermitted" });
});

test("a governance lock is changed and lifted by whoever may", async () => {
  await lock({ LockMode: "governance", LockDuration: 10 });
  await expect(remove()).rejects.toMatchObject({ name: "SnapshotLocked" });
  await lock({ LockMode: "governance", LockDuration: 1 });
  await unlock();
  await expect(unlock()).rejects.toMatchObject({ name: "IncorrectState" });
  await lock({ LockMode: "governance", LockDuration: 10 });
  expect((await compliance(1)).LockState).toBe("compliance");
});

test("a lock that is asked for wrongly is refused, in a dry run as well", async () => {
  const day2 = new Date("2026-05-03T12:00:00.000Z");
  const wrong: readonly (readonly [Omit<LockSnapshotCommandInput, "SnapshotId">, string])[] = [
    [{ LockMode: "compliance" }, "InvalidParameterCombination"],
    [{ LockMode: "compliance", LockDuration: 1, ExpirationDate: day2 }, "InvalidParameterCombination"],
    [{ LockMode: "governance", LockDuration: 1, CoolOffPeriod: 1 }, "InvalidParameterCombination"],
    [{ LockMode: "compliance", LockDuration: 0 }, "InvalidParameterValue"],
    [{ LockMode: "compliance", LockDuration: 36_501 }, "InvalidParameterValue"],
    [{ LockMode: "compliance", LockDuration: 1, CoolOffPeriod: 73 }, "InvalidParameterValue"],
    [{ LockMode: "compliance", ExpirationDate: now }, "InvalidParameterValue"],
  ];
  for (const [input, name] of wrong) await expect(lock({ ...input, DryRun: true }), JSON.stringify(input)).rejects.toMatchObject({ name });
  await expect(lock({ LockMode: "compliance", LockDuration: 1, DryRun: true })).rejects.toMatchObject({ name: "DryRunOperation" });
  expect(world.snapshots[0]?.lock).toBe(null);
  const stranger = new EC2Client({ endpoint: fake.url, region, credentials: other, maxAttempts: 1 });
  const asked = new LockSnapshotCommand({ SnapshotId, LockMode: "compliance", LockDuration: 1 });
  await expect(stranger.send(asked)).rejects.toMatchObject({ name: "InvalidSnapshot.NotFound" });
  world.snapshots[0]?.shared.add(other.account);
  await expect(stranger.send(asked)).rejects.toMatchObject({ name: "AuthFailure" });
});

test("locked snapshots are listed page by page, by state", async () => {
  world.snapshots.length = 0;
  for (let i = 0; i < 7; i += 1) {
    SnapshotId = await create();
    later(60);
    if (i !== 3) await lock({ LockMode: i % 2 === 0 ? "compliance" : "governance", LockDuration: 1 });
  }
  world.emptyPages = 1;
  const sizes: number[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(new DescribeLockedSnapshotsCommand({ MaxResults: 5, ...(NextToken === undefined ? {} : { NextToken }) }));
    sizes.push(page.Snapshots?.length ?? 0);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(sizes).toEqual([0, 5, 0, 1]);
  world.emptyPages = 0;
  const only = await ec2.send(new DescribeLockedSnapshotsCommand({ Filters: [{ Name: "lock-state", Values: ["governance"] }] }));
  expect(only.Snapshots?.length).toBe(2);
});

test("the service may lie: a lock that is accepted and not there, and one that cools off unasked", async () => {
  world.lies.add("lock-accepted-not-there");
  expect((await compliance(10)).LockState).toBe("compliance");
  expect(await locked()).toEqual([]);
  world.lies.clear();
  world.lies.add("lock-cooloff");
  expect((await compliance(10)).LockState).toBe("compliance-cooloff");
  later(day);
  expect((await compliance(11)).LockState).toBe("compliance");
});
