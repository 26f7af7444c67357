/** CopySnapshot, asked in the account and Region that the copy will be in. */
import { ebsKey, keyNamed, usableBy } from "./ec2-keys.ts";
import { shownTags, tagsAsked } from "./ec2-listing.ts";
import { here, newId } from "./ec2-network-world.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import { checkSnapshotId, noSnapshot } from "./ec2-snapshots.ts";
import { type Ec2Snapshot, type Ec2World, sharedWith, snapshotState } from "./ec2-world.ts";
import { keyArn } from "./kms.ts";
import { flagOf, requiredText, textOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply, Unknown } from "./service.ts";

/** At once in a Region, of one account (facts/aws §1.3). */
const mostCopies = 20;

export function copyOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return { CopySnapshot: (call) => copySnapshot(world, call) };
}

function copySnapshot(world: Ec2World, call: Call): () => Reply {
  for (const name of ["DestinationOutpostArn", "DestinationAvailabilityZone", "CompletionDurationMinutes"])
    if (textOf(call.params, name) !== null) throw new Unknown(`ec2:CopySnapshot with ${name}`);
  const source = sourceOf(world, call);
  const encrypted = flagOf(call.params, "Encrypted");
  const keyName = textOf(call.params, "KmsKeyId");
  if (encrypted === false && source.kmsKeyId !== null) throw new AwsRefusal("InvalidParameterValue", "A copy of an encrypted snapshot cannot be unencrypted.");
  if (keyName !== null && encrypted !== true)
    throw new AwsRefusal("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.");
  const tags = tagsAsked(call, "snapshot");
  const running = here(world.snapshots, call).filter((one) => one.copyOf !== null && snapshotState(one, call.now) === "pending");
  if (running.length >= mostCopies)
    throw new AwsRefusal("ResourceLimitExceeded", `Too many snapshot copies in progress. The limit is ${mostCopies} for this destination region.`);
  return () => {
    const key = keyOfCopy(world, call, source, encrypted === true, keyName);
    const copy: Ec2Snapshot = {
      id: newId(world.network, "snap"),
      account: call.account,
      region: call.region,
      // What EC2 writes where a copy has no volume.
      volume: "vol-ffffffff",
      sizeGiB: source.sizeGiB,
      kmsKeyId: key.arn,
      description: textOf(call.params, "Description") ?? "",
      started: call.now,
      doneAt: call.now.getTime() + world.copySeconds * 1000,
      ends: endOfCopy(world, call, source, key.usable),
      copyOf: source.id,
      tags,
      shared: new Set(),
      lock: null,
      content: source.content,
    };
    world.snapshots.push(copy);
    return { xml: { snapshotId: copy.id, tagSet: tags.size === 0 ? null : shownTags(tags) } };
  };
}

function sourceOf(world: Ec2World, call: Call): Ec2Snapshot {
  const id = checkSnapshotId(requiredText(call.params, "SourceSnapshotId"));
  const region = requiredText(call.params, "SourceRegion");
  const destination = textOf(call.params, "DestinationRegion");
  if (destination !== null && destination !== call.region)
    throw new AwsRefusal("InvalidParameterValue", `The destination Region ${destination} is not the one that was called: ${call.region}.`);
  const source = world.snapshots.find((one) => one.id === id && one.region === region);
  if (source === undefined || !sharedWith(source, call.account)) throw noSnapshot(id);
  const state = snapshotState(source, call.now);
  if (state !== "completed") throw new AwsRefusal("IncorrectState", `The snapshot '${id}' is ${state}, not completed.`);
  return source;
}

function keyOfCopy(
  world: Ec2World,
  call: Call,
  source: Ec2Snapshot,
  encrypted: boolean,
  name: string | null,
): { readonly arn: string | null; readonly usable: boolean } {
  if (!encrypted && source.kmsKeyId === null) return { arn: null, usable: true };
  if (name === null) return { arn: keyArn(ebsKey(world.kms, call.account, call.region, call.now)), usable: true };
  const key = keyNamed(world.kms, call.account, call.region, name);
  return key === null ? { arn: name, usable: false } : { arn: keyArn(key), usable: key.region === call.region && usableBy(key, call.account) };
}

/** Keys are looked at after the answer: the copy is there and fails later (API reference, CopySnapshot, KmsKeyId; Snapshot, StatusMessage). */
function endOfCopy(world: Ec2World, call: Call, source: Ec2Snapshot, usable: boolean): Ec2Snapshot["ends"] {
  if (world.lies.has("copy-error")) return { kind: "error", message: "An internal error has occurred" };
  const key = source.kmsKeyId === null ? null : keyNamed(world.kms, source.account, source.region, source.kmsKeyId);
  const readable = source.kmsKeyId === null || (key !== null && usableBy(key, call.account));
  return readable && usable ? { kind: "completed" } : { kind: "error", message: "Given key ID is not accessible" };
}
