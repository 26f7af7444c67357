import {
  CopySnapshotCommand,
  type CopySnapshotCommandInput,
  DeleteSnapshotCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  ModifySnapshotAttributeCommand,
  type ModifySnapshotAttributeCommandInput,
} from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { type Ec2Snapshot, type Ec2World, ec2World } from "./ec2-world.ts";
import { ec2Service } from "./ec2.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { keyArn, type KmsKey, kmsWorld } from "./kms.ts";
import { blockSize, generatedContent, snapshotContent } from "./volume-content.ts";

const account = "111122223333";
const evidence = "444455556666";
const region = "eu-west-1";
const mine = userKey(account, "collector");
const theirs = userKey(evidence, "collector");
const id = "snap-0123456789abcdef0";
const born = new Date("2026-01-01T00:00:00.000Z");
let now: Date;
let managed: KmsKey;
let custom: KmsKey;
let target: KmsKey;
let world: Ec2World;
let snapshot: Ec2Snapshot;
let fake: AwsFake;

beforeEach(async () => {
  now = new Date("2026-05-01T12:00:00.000Z");
  const base = { region, state: "Enabled", created: born } as const;
  managed = { ...base, account, id: "11111111-1111-4111-8111-111111111111", aliases: ["alias/aws/ebs"], manager: "AWS", shared: [] };
  custom = { ...base, account, id: "22222222-2222-4222-8222-222222222222", aliases: ["alias/data"], manager: "CUSTOMER", shared: [evidence] };
  target = { ...base, account: evidence, id: "33333333-3333-4333-8333-333333333333", aliases: ["alias/evidence"], manager: "CUSTOMER", shared: [] };
  world = ec2World({ kms: kmsWorld([managed, custom, target]) });
  snapshot = plant(custom);
  fake = await openAwsFake({ keys: makeKeyRing([mine, theirs]), services: [ec2Service(world)], clock: () => now });
});
afterEach(async () => {
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});

function plant(key: KmsKey | null, more: Partial<Ec2Snapshot> = {}): Ec2Snapshot {
  const made: Ec2Snapshot = {
    id,
    account,
    region,
    volume: "vol-0123456789abcdef0",
    sizeGiB: 1,
    kmsKeyId: key === null ? null : keyArn(key),
    description: "",
    started: born,
    doneAt: born.getTime(),
    ends: { kind: "completed" },
    copyOf: null,
    tags: new Map([["case", "7"]]),
    shared: new Set(),
    lock: null,
    content: generatedContent([3, 1], (index) => new Uint8Array(blockSize).fill(index)),
    ...more,
  };
  world.snapshots.splice(0, world.snapshots.length, made);
  return made;
}

const client = (credentials = mine, of = region): EC2Client => new EC2Client({ endpoint: fake.url, region: of, credentials, maxAttempts: 1 });
const modify = (input: Partial<ModifySnapshotAttributeCommandInput>, credentials = mine): Promise<unknown> =>
  client(credentials).send(new ModifySnapshotAttributeCommand({ SnapshotId: id, Attribute: "createVolumePermission", ...input }));
const share = (): Promise<unknown> => modify({ OperationType: "add", UserIds: [evidence] });
const withdraw = (): Promise<unknown> => modify({ OperationType: "remove", UserIds: [evidence] });
const shares = async (): Promise<unknown> =>
  (await client().send(new DescribeSnapshotAttributeCommand({ SnapshotId: id, Attribute: "createVolumePermission" }))).CreateVolumePermissions;
const copy = async (more: Partial<CopySnapshotCommandInput> = {}, credentials = theirs, of = region): Promise<string> =>
  (await client(credentials, of).send(new CopySnapshotCommand({ SourceRegion: region, SourceSnapshotId: id, ...more }))).SnapshotId ?? "";
const later = (seconds: number): void => void now.setTime(now.getTime() + seconds * 1000);

test("a share is given, seen by the other account without the tags, and taken back", async () => {
  const seen = async (): Promise<unknown> =>
    (await client(theirs).send(new DescribeSnapshotsCommand({ OwnerIds: [account] }))).Snapshots?.map(({ SnapshotId, Tags }) => [SnapshotId, Tags]);
  expect(await seen()).toEqual([]);
  await expect(modify({ OperationType: "add", UserIds: [evidence], DryRun: true })).rejects.toMatchObject({ name: "DryRunOperation" });
  expect(await shares()).toEqual([]);
  await share();
  expect([await shares(), await seen()]).toEqual([[{ UserId: evidence }], [[id, undefined]]]);
  await expect(modify({ OperationType: "remove", UserIds: [evidence] }, theirs)).rejects.toMatchObject({ name: "AuthFailure" });
  await withdraw();
  await modify({ CreateVolumePermission: { Add: [{ UserId: evidence }] } });
  await modify({ CreateVolumePermission: { Remove: [{ UserId: evidence }] } });
  expect(await shares()).toEqual([]);
  expect((await client(theirs).send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots).toEqual([]);
});

test("a snapshot under the AWS-managed key cannot be shared, an encrypted one not with everybody", async () => {
  await expect(modify({ OperationType: "add", GroupNames: ["all"] })).rejects.toMatchObject({ name: "OperationNotPermitted" });
  await expect(modify({ OperationType: "add", UserIds: ["evidence"] })).rejects.toMatchObject({ name: "InvalidUserID.Malformed" });
  const both = { CreateVolumePermission: { Add: [{ UserId: evidence }], Remove: [{ UserId: account }] } };
  await expect(modify(both)).rejects.toMatchObject({ name: "InvalidParameterCombination" });
  plant(managed);
  await expect(share()).rejects.toMatchObject({ name: "OperationNotPermitted" });
  plant(null);
  await modify({ OperationType: "add", GroupNames: ["all"] });
  expect(await shares()).toEqual([{ Group: "all" }]);
});

test("a copy in the evidence account is its own, under its key, with the tags that were asked for and the same blocks", async () => {
  await expect(copy()).rejects.toMatchObject({ name: "InvalidSnapshot.NotFound" });
  await share();
  const TagSpecifications = [{ ResourceType: "snapshot" as const, Tags: [{ Key: "of", Value: "copy" }] }];
  const made = await copy({ Encrypted: true, KmsKeyId: "alias/evidence", TagSpecifications });
  await withdraw();
  await client().send(new DeleteSnapshotCommand({ SnapshotId: id }));
  later(60);
  const [shown] = (await client(theirs).send(new DescribeSnapshotsCommand({ SnapshotIds: [made] }))).Snapshots ?? [];
  expect(shown).toMatchObject({ OwnerId: evidence, State: "completed", KmsKeyId: keyArn(target), Tags: [{ Key: "of", Value: "copy" }], VolumeSize: 1 });
  const held = snapshotContent(world, evidence, made, now)?.content;
  expect([held?.written, held?.block(3)?.[0], held?.block(2)]).toEqual([[1, 3], 3, null]);
});

test("a copy under a key that the caller may not use fails after it was accepted", async () => {
  await share();
  custom.shared.length = 0;
  expect(snapshotContent(world, evidence, id, now)).toBe(null);
  const unreadable = await copy({ Encrypted: true, KmsKeyId: keyArn(target) });
  custom.shared.push(evidence);
  expect(snapshotContent(world, evidence, id, now)?.id).toBe(id);
  const unknown = await copy({ Encrypted: true, KmsKeyId: "alias/none" });
  target.state = "Disabled";
  const disabled = await copy({ Encrypted: true, KmsKeyId: keyArn(target) });
  world.lies.add("copy-error");
  const lied = await copy();
  later(60);
  const { Snapshots } = await client(theirs).send(new DescribeSnapshotsCommand({ SnapshotIds: [unreadable, unknown, disabled, lied] }));
  expect(Snapshots?.map(({ State, StateMessage }) => `${State}: ${StateMessage}`)).toEqual([
    "error: Given key ID is not accessible",
    "error: Given key ID is not accessible",
    "error: Given key ID is not accessible",
    "error: An internal error has occurred",
  ]);
});

test("the way around the AWS-managed key: a copy in the same account under a customer's", async () => {
  plant(managed);
  const made = await copy({ Encrypted: true, KmsKeyId: keyArn(custom) }, mine);
  expect(world.snapshots.find((one) => one.id === made)?.kmsKeyId).toBe(keyArn(custom));
  await expect(copy({ KmsKeyId: keyArn(custom) }, mine)).rejects.toMatchObject({ name: "InvalidParameterDependency" });
  await expect(copy({ Encrypted: false }, mine)).rejects.toMatchObject({ name: "InvalidParameterValue" });
  const plain = await copy({}, mine);
  expect(world.snapshots.find((one) => one.id === plain)?.kmsKeyId).toBe(keyArn(managed));
  plant(null);
  expect(world.snapshots.find((one) => one.id === id)?.kmsKeyId).toBe(null);
  const elsewhere = await copy({}, mine, "eu-central-1");
  expect(world.snapshots.find((one) => one.id === elsewhere)).toMatchObject({ region: "eu-central-1", kmsKeyId: null });
});

test("what is not completed is not copied, and 20 copies run at once", async () => {
  plant(custom, { doneAt: now.getTime() + 1000 });
  await expect(copy({}, mine)).rejects.toMatchObject({ name: "IncorrectState" });
  later(1);
  for (let i = 0; i < 20; i += 1) await copy({}, mine);
  await expect(copy({}, mine)).rejects.toMatchObject({ name: "ResourceLimitExceeded" });
  later(60);
  await copy({}, mine);
});

test("the service may lie: a share that is accepted and not there, and one that cannot be withdrawn at first", async () => {
  world.lies.add("share-accepted-not-there");
  await share();
  expect(await shares()).toEqual([]);
  world.lies.clear();
  await share();
  world.shareSticks = 2;
  await expect(withdraw()).rejects.toMatchObject({ name: "InternalError" });
  await expect(withdraw()).rejects.toMatchObject({ name: "InternalError" });
  expect([...snapshot.shared]).toEqual([evidence]);
  await withdraw();
  expect([...snapshot.shared]).toEqual([]);
});
