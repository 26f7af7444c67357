import {
  CreateSnapshotsCommand,
  type CreateSnapshotsCommandInput,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  type Snapshot,
  waitUntilSnapshotCompleted,
} from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { attachVolume, newImage, newInstance, newVolume } from "./ec2-made.ts";
import { type Ec2Volume, type Ec2World, ec2World } from "./ec2-world.ts";
import { ec2Service } from "./ec2.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { blockSize, plantedContent, snapshotContent } from "./volume-content.ts";

const account = "111122223333";
const region = "eu-west-1";
const key = userKey(account, "collector");
const id = "i-0123456789abcdef0";
const root = "vol-0aaaaaaaaaaaaaaaa";
const data = "vol-0bbbbbbbbbbbbbbbb";
const place = { account, region };
let now: Date;
let world: Ec2World;
let volumes: readonly [Ec2Volume, Ec2Volume];
let fake: AwsFake;
let ec2: EC2Client;

beforeEach(async () => {
  now = new Date("2026-05-01T12:00:00.000Z");
  world = ec2World();
  const instance = newInstance({ ...place, id, vpc: "vpc-0123456789abcdef0", subnet: "subnet-0123456789abcdef0" });
  const cold = newVolume({
    ...place,
    id: data,
    type: "st1",
    tags: new Map([
      ["use", "data"],
      ["aws:autoscaling:groupName", "web"],
    ]),
  });
  volumes = [newVolume({ ...place, id: root }), cold];
  attachVolume(instance, volumes[0], "/dev/xvda", true);
  attachVolume(instance, volumes[1], "/dev/sdf", true);
  world.instances.push(instance);
  world.volumes.push(...volumes);
  fake = await openAwsFake({ keys: makeKeyRing([key]), services: [ec2Service(world)], clock: () => now });
  ec2 = new EC2Client({ endpoint: fake.url, region, credentials: key, maxAttempts: 1 });
});
afterEach(async () => {
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});

async function create(more: Partial<CreateSnapshotsCommandInput> = {}): Promise<readonly Snapshot[]> {
  const { Snapshots } = await ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: id }, ...more }));
  return Snapshots ?? [];
}

const later = (seconds: number): void => void now.setTime(now.getTime() + seconds * 1000);

test("one call makes a snapshot of every volume at one point in time, pending until the clock has gone on", async () => {
  world.snapshotSeconds = 100;
  const before = new Map([[7, new Uint8Array(blockSize).fill(1)]]);
  volumes[0].content = plantedContent(before);
  const made = await create({
    Description: "case 7",
    CopyTagsFromSource: "volume",
    TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "holdfast:case", Value: "7" }] }],
  });
  volumes[0].content = plantedContent(new Map([[7, new Uint8Array(blockSize).fill(2)]]));
  expect(made.map(({ VolumeId, State }) => [VolumeId, State])).toEqual([
    [root, "pending"],
    [data, "pending"],
  ]);
  expect(made[1]?.Tags).toEqual([
    { Key: "use", Value: "data" },
    { Key: "holdfast:case", Value: "7" },
  ]);
  later(50);
  const half = await ec2.send(new DescribeSnapshotsCommand({ Filters: [{ Name: "tag:holdfast:case", Values: ["7"] }], OwnerIds: ["self"] }));
  expect(half.Snapshots?.map(({ State, Progress, StartTime }) => [State, Progress, StartTime?.toISOString()])).toEqual([
    ["pending", "50%", "2026-05-01T12:00:00.000Z"],
    ["pending", "50%", "2026-05-01T12:00:00.000Z"],
  ]);
  const SnapshotIds = made.map(({ SnapshotId = "" }) => SnapshotId);
  expect(snapshotContent(world, account, SnapshotIds[0] ?? "", now)).toBe(null);
  later(50);
  expect((await waitUntilSnapshotCompleted({ client: ec2, maxWaitTime: 5, minDelay: 1, maxDelay: 1 }, { SnapshotIds })).state).toBe("SUCCESS");
  const held = snapshotContent(world, account, SnapshotIds[0] ?? "", now);
  expect([held?.content.written, held?.content.block(7)?.[0], held?.content.block(8)]).toEqual([[7], 1, null]);
});

test("a snapshot may end in error, for one volume and not for the other", async () => {
  world.fails.add(data);
  const SnapshotIds = (await create()).map(({ SnapshotId = "" }) => SnapshotId);
  later(60);
  const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds }));
  expect(Snapshots?.map(({ State, StateMessage }) => [State, StateMessage !== undefined])).toEqual([
    ["completed", false],
    ["error", true],
  ]);
  await expect(waitUntilSnapshotCompleted({ client: ec2, maxWaitTime: 5, minDelay: 1, maxDelay: 1 }, { SnapshotIds })).rejects.toThrow("error");
});

test("volumes are left out by name, and nothing is made by a dry run", async () => {
  await expect(create({ DryRun: true })).rejects.toMatchObject({ name: "DryRunOperation" });
  expect(world.snapshots.length).toBe(0);
  expect((await create({ InstanceSpecification: { InstanceId: id, ExcludeBootVolume: true } })).map(({ VolumeId }) => VolumeId)).toEqual([data]);
  expect((await create({ InstanceSpecification: { InstanceId: id, ExcludeDataVolumeIds: [data] } })).map(({ VolumeId }) => VolumeId)).toEqual([root]);
  const bad = [
    { ExcludeDataVolumeIds: [root] },
    { ExcludeDataVolumeIds: ["vol-0dddddddddddddddd"] },
    { ExcludeBootVolume: true, ExcludeDataVolumeIds: [data] },
  ];
  for (const excluded of bad)
    await expect(create({ InstanceSpecification: { InstanceId: id, ...excluded } })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  await expect(create({ TagSpecifications: [{ ResourceType: "volume" }] })).rejects.toMatchObject({ name: "InvalidParameterValue" });
});

test("so many snapshots are pending at once and no more: 5 of a volume, 1 of a cold one, 100 of an account", async () => {
  await create();
  await expect(create()).rejects.toMatchObject({ name: "ConcurrentSnapshotLimitExceeded" });
  const boot = { InstanceSpecification: { InstanceId: id, ExcludeDataVolumeIds: [data] } };
  for (let i = 0; i < 4; i += 1) await create(boot);
  await expect(create(boot)).rejects.toMatchObject({ name: "ConcurrentSnapshotLimitExceeded" });
  later(60);
  const [sample] = world.snapshots;
  if (sample === undefined) throw new Error("no snapshot was made");
  for (let i = 0; i < 99; i += 1)
    world.snapshots.push({ ...sample, id: `snap-${String(i).padStart(17, "0")}`, volume: "vol-1", doneAt: Number.POSITIVE_INFINITY });
  await create(boot);
  await expect(create(boot)).rejects.toMatchObject({ name: "PendingSnapshotLimitExceeded" });
});

test("snapshots are listed page by page, by owner, volume and state", async () => {
  const boot = { InstanceSpecification: { InstanceId: id, ExcludeDataVolumeIds: [data] } };
  for (let i = 0; i < 7; i += 1) {
    await create(boot);
    later(60);
  }
  world.emptyPages = 1;
  const sizes: number[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(
      new DescribeSnapshotsCommand({
        OwnerIds: [account],
        Filters: [{ Name: "volume-id", Values: [root] }],
        MaxResults: 5,
        ...(NextToken === undefined ? {} : { NextToken }),
      }),
    );
    sizes.push(page.Snapshots?.length ?? 0);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(sizes).toEqual([0, 5, 0, 2]);
  world.emptyPages = 0;
  await create(boot);
  expect((await ec2.send(new DescribeSnapshotsCommand({ Filters: [{ Name: "status", Values: ["pending"] }] }))).Snapshots?.length).toBe(1);
  expect((await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["amazon"] }))).Snapshots).toEqual([]);
});

test("an attacker deletes a snapshot, unless an image was made of it", async () => {
  const [SnapshotId = ""] = (await create()).map((one) => one.SnapshotId);
  const image = newImage({ id: "ami-0fedcba9876543210", region, snapshot: SnapshotId });
  world.images.push(image);
  await expect(ec2.send(new DeleteSnapshotCommand({ SnapshotId }))).rejects.toMatchObject({ name: "InvalidSnapshot.InUse" });
  world.images.length = 0;
  await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
  await expect(ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }))).rejects.toMatchObject({ name: "InvalidSnapshot.NotFound" });
});
