/** Who may make volumes of a snapshot: shares given, shown and taken back. */
import { keyNamed } from "./ec2-keys.ts";
import { type Ec2Operation, wellDone } from "./ec2-operation.ts";
import { ownSnapshot } from "./ec2-snapshots.ts";
import type { Ec2Snapshot, Ec2World } from "./ec2-world.ts";
import { itemsOf, partOf, requiredText, textOf, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Params, type Reply } from "./service.ts";

export function sharingOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    ModifySnapshotAttribute: (call) => modify(world, call),
    DescribeSnapshotAttribute: (call) => describe(world, call),
  };
}

function describe(world: Ec2World, call: Call): Reply {
  const snapshot = ownSnapshot(world, call);
  const attribute = requiredText(call.params, "Attribute");
  if (attribute === "productCodes") return { xml: { snapshotId: snapshot.id, productCodes: {} } };
  if (attribute !== "createVolumePermission") throw new AwsRefusal("InvalidParameterValue", `Value (${attribute}) for parameter attribute is invalid.`);
  const item = [...snapshot.shared].map((who) => (who === "all" ? { group: who } : { userId: who }));
  return { xml: { snapshotId: snapshot.id, createVolumePermission: { item } } };
}

type Change = { readonly add: readonly string[]; readonly remove: readonly string[] };

function modify(world: Ec2World, call: Call): () => Reply {
  const snapshot = ownSnapshot(world, call);
  const attribute = textOf(call.params, "Attribute");
  if (attribute !== null && attribute !== "createVolumePermission")
    throw new AwsRefusal("InvalidParameterValue", `Value (${attribute}) for parameter attribute is invalid.`);
  const { add, remove } = changeAsked(call);
  if (add.length + remove.length === 0) throw new AwsRefusal("MissingParameter", "The request must name accounts or groups");
  if (add.length > 0 && remove.length > 0) throw new AwsRefusal("InvalidParameterCombination", "Permissions can be added or removed, not both in one request.");
  if (add.length + remove.length > 500) throw new AwsRefusal("InvalidParameterValue", "At most 500 modifications are possible in one request.");
  for (const who of [...add, ...remove])
    if (who !== "all" && !/^\d{12}$/.test(who)) throw new AwsRefusal("InvalidUserID.Malformed", `Invalid user id: "${who}"`);
  if (add.length > 0) checkKey(world, snapshot, add);
  return () => {
    if (remove.length > 0 && world.shareSticks > 0) {
      world.shareSticks -= 1;
      throw new AwsRefusal("InternalError", "An internal error has occurred", 500);
    }
    if (!world.lies.has("share-accepted-not-there")) for (const who of add) snapshot.shared.add(who);
    for (const who of remove) snapshot.shared.delete(who);
    return wellDone;
  };
}

/** Two spellings: OperationType with ids, or the structure of both. */
function changeAsked(call: Call): Change {
  const { params } = call;
  const names = [...textsOf(params, "UserId"), ...textsOf(params, "UserGroup")];
  const type = textOf(params, "OperationType");
  const both = partOf(params, "CreateVolumePermission");
  if (both !== null) return { add: itemsOf(both, "Add").flatMap(named), remove: itemsOf(both, "Remove").flatMap(named) };
  if (type !== "add" && type !== "remove") throw new AwsRefusal("InvalidParameterValue", `Value (${type}) for parameter operationType is invalid.`);
  return { add: type === "add" ? names : [], remove: type === "remove" ? names : [] };
}

function named(permission: Params): readonly string[] {
  return [textOf(permission, "UserId"), textOf(permission, "Group")].filter((who) => who !== null);
}

function checkKey(world: Ec2World, { account, region, kmsKeyId }: Ec2Snapshot, add: readonly string[]): void {
  if (kmsKeyId === null) return;
  if (add.includes("all")) throw new AwsRefusal("OperationNotPermitted", "Encrypted snapshots cannot be shared publicly");
  if (keyNamed(world.kms, account, region, kmsKeyId)?.manager !== "CUSTOMER")
    throw new AwsRefusal("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared");
}
