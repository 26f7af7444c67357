import { EBSClient, GetSnapshotBlockCommand, ListSnapshotBlocksCommand, type ListSnapshotBlocksCommandOutput } from "@aws-sdk/client-ebs";
import { CreateSnapshotsCommand, EC2Client, ModifySnapshotAttributeCommand } from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { noise } from "../../stream/sources.ts";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { ebsService } from "./ebs.ts";
import { ebsWorld, snapshotsOf } from "./ebs-world.ts";
import { attachVolume, newInstance, newVolume } from "./ec2-made.ts";
import { ec2Service } from "./ec2.ts";
import { type Ec2Volume, type Ec2World, ec2World } from "./ec2-world.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { keyArn, type KmsKey } from "./kms.ts";
import { blockSize, plantedContent } from "./volume-content.ts";

const place = { account: "111122223333", region: "eu-west-1" };
const evidence = "444455556666";
const key = userKey(place.account, "collector");
const other = userKey(evidence, "collector");
const id = "i-0123456789abcdef0";
const mine: KmsKey = {
  ...place,
  id: "22222222-2222-4222-8222-222222222222",
  aliases: [],
  manager: "CUSTOMER",
  state: "Enabled",
  created: new Date("2026-01-01T00:00:00.000Z"),
  shared: [],
};
let now: Date;
let world: Ec2World;
let volume: Ec2Volume;
let fake: AwsFake;

beforeEach(async () => {
  now = new Date("2026-11-24T06:00:00.000Z");
  world = ec2World();
  fake = await openAwsFake({ services: [ec2Service(world), ebsService(ebsWorld(snapshotsOf(world)))], keys: makeKeyRing([key, other]), clock: () => now });
  world.kms.keys.push({ ...mine, shared: [] });
});
afterEach(async () => {
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
  await fake.close();
});

function config(credentials = key): { endpoint: string; region: string; credentials: typeof key; maxAttempts: number } {
  return { endpoint: fake.url, region: place.region, credentials, maxAttempts: 1 };
}

/** A snapshot of a volume with block 3 written; completed unless it shall not be. */
async function snapshot(kmsKeyId: string | null = null): Promise<string> {
  const instance = newInstance({ ...place, id, vpc: "vpc-0123456789abcdef0", subnet: "subnet-0123456789abcdef0" });
  volume = newVolume({ ...place, id: "vol-0123456789abcdef0", kmsKeyId, content: plantedContent(new Map([[3, noise(blockSize, 3)]])) });
  attachVolume(instance, volume, "/dev/xvda", true);
  world.instances.push(instance);
  world.volumes.push(volume);
  const made = await new EC2Client(config()).send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: id } }));
  return made.Snapshots?.[0]?.SnapshotId ?? "";
}

function complete(): void {
  now = new Date(now.getTime() + world.snapshotSeconds * 1000);
}

function list(SnapshotId: string, who = key): Promise<ListSnapshotBlocksCommandOutput> {
  return new EBSClient(config(who)).send(new ListSnapshotBlocksCommand({ SnapshotId }));
}

async function share(SnapshotId: string, OperationType: "add" | "remove", who: { UserIds: string[] } | { GroupNames: string[] }): Promise<void> {
  await new EC2Client(config()).send(new ModifySnapshotAttributeCommand({ SnapshotId, Attribute: "createVolumePermission", OperationType, ...who }));
}

test("only a completed snapshot is read, and it holds what its volume held when it was made", async () => {
  const made = await snapshot();
  await expect(list(made)).rejects.toMatchObject({ name: "ValidationException", Reason: "INVALID_SNAPSHOT_ID" });
  volume.content = plantedContent(new Map([[3, noise(blockSize, 99)]]));
  complete();
  const { Blocks, VolumeSize } = await list(made);
  expect([VolumeSize, Blocks?.map(({ BlockIndex }) => BlockIndex)]).toEqual([1, [3]]);
  const asked = { SnapshotId: made, BlockIndex: 3, BlockToken: Blocks?.[0]?.BlockToken };
  const { BlockData } = await new EBSClient(config()).send(new GetSnapshotBlockCommand(asked));
  expect(Buffer.from((await BlockData?.transformToByteArray()) ?? []).equals(noise(blockSize, 3))).toBe(true);
});

test("a snapshot that failed is not read", async () => {
  world.fails.add("vol-0123456789abcdef0");
  const made = await snapshot();
  complete();
  await expect(list(made)).rejects.toMatchObject({ name: "ValidationException", Reason: "INVALID_SNAPSHOT_ID" });
});

test("another account reads it while it is shared with it by name, and nobody while it is public", async () => {
  const made = await snapshot();
  complete();
  const denied = { name: "AccessDeniedException", Reason: "UNAUTHORIZED_ACCOUNT" };
  await expect(list(made, other)).rejects.toMatchObject(denied);
  await share(made, "add", { UserIds: [evidence] });
  expect((await list(made, other)).Blocks?.length).toBe(1);
  await share(made, "remove", { UserIds: [evidence] });
  await expect(list(made, other)).rejects.toMatchObject(denied);
  await share(made, "add", { GroupNames: ["all"] });
  await expect(list(made, other)).rejects.toMatchObject(denied);
  await expect(list(made)).rejects.toMatchObject({ name: "ValidationException" });
});

test("an encrypted snapshot is read by who may use its key, and by nobody when the key is off", async () => {
  const made = await snapshot(keyArn(mine));
  complete();
  await share(made, "add", { UserIds: [evidence] });
  const denied = { name: "AccessDeniedException", Reason: "DEPENDENCY_ACCESS_DENIED" };
  await expect(list(made, other)).rejects.toMatchObject(denied);
  const [known] = world.kms.keys;
  known?.shared.push(evidence);
  expect((await list(made, other)).Blocks?.length).toBe(1);
  if (known !== undefined) known.state = "Disabled";
  await expect(list(made)).rejects.toMatchObject(denied);
});
