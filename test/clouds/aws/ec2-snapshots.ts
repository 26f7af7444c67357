/** Snapshots: made of all volumes at one point in time, seen by those who may, deleted unless locked or in use. */
import { listed, matches, shownTags, tagsAsked } from "./ec2-listing.ts";
import { instanceNamed } from "./ec2-instances.ts";
import { here, newId } from "./ec2-network-world.ts";
import { type Ec2Operation, wellDone } from "./ec2-operation.ts";
import { lockIsOn } from "./ec2-lock.ts";
import { type Ec2Instance, type Ec2Snapshot, type Ec2Volume, type Ec2World, sharedWith, snapshotState } from "./ec2-world.ts";
import { flagOf, partOf, requiredText, textOf, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply, Unknown } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

export function snapshotOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    CreateSnapshots: (call) => createSnapshots(world, call),
    DescribeSnapshots: (call) => describeSnapshots(world, call),
    DeleteSnapshot: (call) => deleteSnapshot(world, call),
  };
}

export function noSnapshot(id: string): AwsRefusal {
  return new AwsRefusal("InvalidSnapshot.NotFound", `The snapshot '${id}' does not exist.`);
}

export function checkSnapshotId(id: string): string {
  if (!/^snap-[0-9a-f]{8,17}$/.test(id)) throw new AwsRefusal("InvalidSnapshotID.Malformed", `Invalid id: "${id}" (expecting "snap-...")`);
  return id;
}

/** The caller's own. One that was only shared with it is known, and not its to change. */
export function ownSnapshot(world: Ec2World, call: Call): Ec2Snapshot {
  const id = checkSnapshotId(requiredText(call.params, "SnapshotId"));
  const snapshot = world.snapshots.find((one) => one.id === id && one.region === call.region);
  if (snapshot === undefined || !sharedWith(snapshot, call.account)) throw noSnapshot(id);
  if (snapshot.account !== call.account) throw new AwsRefusal("AuthFailure", `The account ${call.account} does not own the snapshot ${id}.`, 403);
  return snapshot;
}

function createSnapshots(world: Ec2World, call: Call): () => Reply {
  for (const name of ["OutpostArn", "Location"]) if (textOf(call.params, name) !== null) throw new Unknown(`ec2:CreateSnapshots with ${name}`);
  const specification = partOf(call.params, "InstanceSpecification");
  if (specification === null) throw new AwsRefusal("MissingParameter", "The request must contain the parameter InstanceSpecification");
  const instance = instanceNamed(world, call, requiredText(specification, "InstanceId"));
  if (instance.state === "terminated") throw new AwsRefusal("IncorrectState", `The instance '${instance.id}' is terminated.`);
  const without = textsOf(specification, "ExcludeDataVolumeId");
  const volumes = volumesOf(world, instance, flagOf(specification, "ExcludeBootVolume") === true, without);
  if (volumes.length === 0) throw new AwsRefusal("InvalidParameterValue", `No volumes of the instance '${instance.id}' are left to make snapshots of.`);
  const copied = textOf(call.params, "CopyTagsFromSource");
  if (copied !== null && copied !== "volume") throw new AwsRefusal("InvalidParameterValue", `Value (${copied}) for parameter CopyTagsFromSource is invalid.`);
  const asked = tagsAsked(call, "snapshot");
  checkLimits(world, call, volumes);
  return () => {
    const made = volumes.map((volume): Ec2Snapshot => {
      const inherited = copied === null ? [] : [...volume.tags].filter(([key]) => !key.startsWith("aws:"));
      return {
        id: newId(world.network, "snap"),
        account: call.account,
        region: call.region,
        volume: volume.id,
        sizeGiB: volume.sizeGiB,
        kmsKeyId: volume.kmsKeyId,
        description: textOf(call.params, "Description") ?? "",
        started: call.now,
        doneAt: call.now.getTime() + world.snapshotSeconds * 1000,
        ends: world.fails.has(volume.id) ? { kind: "error", message: "An internal error has occurred" } : { kind: "completed" },
        copyOf: null,
        tags: new Map([...inherited, ...asked]),
        shared: new Set(),
        lock: null,
        content: volume.content,
      };
    });
    world.snapshots.push(...made);
    return { xml: { snapshotSet: { item: made.map(shownMade) } } };
  };
}

function volumesOf(world: Ec2World, instance: Ec2Instance, withoutBoot: boolean, without: readonly string[]): readonly Ec2Volume[] {
  for (const id of without) {
    const mapping = instance.mappings.find(({ volume }) => volume === id);
    if (mapping === undefined) throw new AwsRefusal("InvalidParameterValue", `The volume '${id}' is not attached to the instance '${instance.id}'.`);
    if (mapping.device === instance.rootDevice) throw new AwsRefusal("InvalidParameterValue", `The volume '${id}' is the root volume: use ExcludeBootVolume.`);
  }
  return instance.mappings
    .filter(({ device, volume }) => !(withoutBoot && device === instance.rootDevice) && !without.includes(volume))
    .flatMap(({ volume }) => world.volumes.filter(({ id }) => id === volume));
}

function checkLimits(world: Ec2World, call: Call, volumes: readonly Ec2Volume[]): void {
  const pending = here(world.snapshots, call).filter((one) => one.copyOf === null && snapshotState(one, call.now) === "pending");
  if (pending.length + volumes.length > 100) throw new AwsRefusal("PendingSnapshotLimitExceeded", "Maximum allowed number of pending snapshots exceeded: 100.");
  for (const { id, type } of volumes) {
    const most = type === "st1" || type === "sc1" ? 1 : 5;
    if (pending.filter(({ volume }) => volume === id).length >= most)
      throw new AwsRefusal("ConcurrentSnapshotLimitExceeded", `Maximum allowed in-progress snapshots for a single volume exceeded: ${id} has ${most}.`);
  }
}

function shownMade(snapshot: Ec2Snapshot): XmlObject {
  return {
    description: snapshot.description,
    tagSet: shownTags(snapshot.tags),
    encrypted: snapshot.kmsKeyId !== null,
    volumeId: snapshot.volume,
    state: "pending",
    volumeSize: snapshot.sizeGiB,
    startTime: snapshot.started,
    progress: "",
    ownerId: snapshot.account,
    snapshotId: snapshot.id,
  };
}

function describeSnapshots(world: Ec2World, call: Call): Reply {
  const ids = textsOf(call.params, "SnapshotId").map(checkSnapshotId);
  const inRegion = world.snapshots.filter(({ region }) => region === call.region);
  for (const id of ids) if (!inRegion.some((one) => one.id === id)) throw noSnapshot(id);
  const account = (name: string): string => (name === "self" ? call.account : name);
  const owners = textsOf(call.params, "Owner").map(account);
  const restorableBy = textsOf(call.params, "RestorableBy").map(account);
  // An id that is there and not this caller's to see is left out, and no error (API reference, SnapshotIds).
  const all = inRegion.filter(
    (one) =>
      sharedWith(one, call.account) &&
      (ids.length === 0 || ids.includes(one.id)) &&
      (owners.length === 0 || owners.includes(one.account)) &&
      (restorableBy.length === 0 || restorableBy.some((by) => sharedWith(one, by))) &&
      matches(call, filterable(one, call)),
  );
  const { items, next } = listed(world, call, all, { least: 5, alone: "SnapshotId" });
  return { xml: { snapshotSet: { item: items.map((one) => shown(one, call)) }, nextToken: next } };
}

/** Tags are the owner's business: nobody else sees them or finds by them. */
function filterable(snapshot: Ec2Snapshot, call: Call): Parameters<typeof matches>[1] {
  return {
    tags: snapshot.account === call.account ? snapshot.tags : new Map(),
    fields: {
      "snapshot-id": [snapshot.id],
      "volume-id": [snapshot.volume],
      status: [snapshotState(snapshot, call.now)],
      description: [snapshot.description],
      encrypted: [String(snapshot.kmsKeyId !== null)],
      "owner-id": [snapshot.account],
      "start-time": [snapshot.started.toISOString()],
      progress: [progressOf(snapshot, call.now)],
      "volume-size": [String(snapshot.sizeGiB)],
    },
  };
}

function progressOf({ started, doneAt }: Ec2Snapshot, now: Date): string {
  const share = (now.getTime() - started.getTime()) / (doneAt - started.getTime());
  return `${Math.max(0, Math.min(100, Math.floor(Number.isNaN(share) ? 100 : share * 100)))}%`;
}

function shown(snapshot: Ec2Snapshot, call: Call): XmlObject {
  const status = snapshotState(snapshot, call.now);
  return {
    snapshotId: snapshot.id,
    volumeId: snapshot.volume,
    status,
    statusMessage: status === "error" && snapshot.ends.kind === "error" ? snapshot.ends.message : null,
    startTime: snapshot.started,
    progress: status === "error" ? "0%" : progressOf(snapshot, call.now),
    ownerId: snapshot.account,
    description: snapshot.description,
    volumeSize: snapshot.sizeGiB,
    encrypted: snapshot.kmsKeyId !== null,
    kmsKeyId: snapshot.kmsKeyId,
    tagSet: snapshot.account === call.account && snapshot.tags.size > 0 ? shownTags(snapshot.tags) : null,
    storageTier: "standard",
    completionTime: status === "completed" ? new Date(snapshot.doneAt) : null,
    fullSnapshotSizeInBytes: status === "completed" ? snapshot.content.written.length * 524_288 : null,
  };
}

function deleteSnapshot(world: Ec2World, call: Call): () => Reply {
  const snapshot = ownSnapshot(world, call);
  if (lockIsOn(snapshot, call.now)) throw new AwsRefusal("SnapshotLocked", `The snapshot '${snapshot.id}' is locked and can't be deleted.`);
  const image = world.images.find((one) => one.snapshot === snapshot.id);
  if (image !== undefined) throw new AwsRefusal("InvalidSnapshot.InUse", `The snapshot ${snapshot.id} is currently in use by ${image.id}`);
  return () => {
    world.snapshots.splice(world.snapshots.indexOf(snapshot), 1);
    return wellDone;
  };
}
