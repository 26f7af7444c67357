/** KMS as far as snapshots and the ledger need it: whose key it is, in what state, grants on it, signatures (kms-sign.ts). Nothing is encrypted here. */
import { randomBytes } from "node:crypto";
import { flagOf, numberOf, requiredText, textOf, textsOf } from "./params.ts";
import { getPublicKey, type KmsPair, shownPair, sign } from "./kms-sign.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Reply, type Service } from "./service.ts";

export type KmsKey = {
  readonly account: string;
  readonly region: string;
  readonly id: string;
  /** `alias/aws/ebs` and the like. */
  readonly aliases: readonly string[];
  readonly manager: "AWS" | "CUSTOMER";
  state: "Enabled" | "Disabled" | "PendingDeletion" | "PendingImport" | "Unavailable";
  readonly created: Date;
  deletion?: Date;
  /** Accounts that the key's policy lets in beside its own. */
  readonly shared: string[];
  /** Of a key that signs. */
  readonly pair?: KmsPair;
};

type KmsGrant = {
  readonly key: KmsKey;
  readonly id: string;
  readonly token: string;
  readonly issuer: string;
  readonly created: Date;
  readonly given: Readonly<Record<string, unknown>>;
};
export type KmsWorld = { readonly keys: KmsKey[]; readonly grants: KmsGrant[] };

export function kmsWorld(keys: readonly KmsKey[] = []): KmsWorld {
  return { keys: [...keys], grants: [] };
}

export function keyArn(key: KmsKey): string {
  return `arn:aws:kms:${key.region}:${key.account}:key/${key.id}`;
}

export function kmsService(world: KmsWorld): Service {
  return {
    name: "kms",
    protocol: "json",
    targetPrefix: "TrentService",
    operations: {
      DescribeKey: (call) => ({ json: { KeyMetadata: shownKey(keyOfCall(world, call)) } }),
      GetPublicKey: (call) => {
        const key = usable(keyOfCall(world, call));
        return getPublicKey(key, keyArn(key));
      },
      Sign: (call) => {
        const key = usable(keyOfCall(world, call));
        return sign(key, keyArn(key), call);
      },
      CreateGrant: (call) => createGrant(world, call),
      ListGrants: (call) => listGrants(world, call),
      RevokeGrant: (call) => revokeGrant(world, call),
      RetireGrant: (call) => retireGrant(world, call),
    },
  };
}

function keyOfCall(world: KmsWorld, call: Call): KmsKey {
  const name = requiredText(call.params, "KeyId");
  const [, region = call.region, account = call.account, bare = name] = /^arn:aws:kms:([a-z0-9-]+):(\d{12}):(?:key\/)?(.+)$/.exec(name) ?? [];
  const key = world.keys.find((one) => one.region === region && one.account === account && (one.id === bare || one.aliases.includes(bare)));
  if (key === undefined || region !== call.region) throw new AwsRefusal("NotFoundException", `Key '${name}' does not exist`);
  if (key.account !== call.account && (key.manager === "AWS" || !key.shared.includes(call.account)))
    throw new AwsRefusal("AccessDeniedException", `User: ${call.caller.arn} is not authorized to perform: kms:${call.operation} on resource: ${name}`);
  return key;
}

function shownKey(key: KmsKey): unknown {
  return {
    AWSAccountId: key.account,
    KeyId: key.id,
    Arn: keyArn(key),
    CreationDate: key.created.getTime() / 1000,
    Enabled: key.state === "Enabled",
    Description: "",
    KeyUsage: "ENCRYPT_DECRYPT",
    KeyState: key.state,
    ...(key.deletion === undefined ? {} : { DeletionDate: key.deletion.getTime() / 1000 }),
    Origin: "AWS_KMS",
    KeyManager: key.manager,
    KeySpec: "SYMMETRIC_DEFAULT",
    ...(key.pair === undefined ? { CustomerMasterKeySpec: "SYMMETRIC_DEFAULT", EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"] } : shownPair(key.pair)),
    MultiRegion: false,
  };
}

function usable(key: KmsKey): KmsKey {
  if (key.state === "Disabled") throw new AwsRefusal("DisabledException", `${keyArn(key)} is disabled.`);
  if (key.state !== "Enabled") throw new AwsRefusal("KMSInvalidStateException", `${keyArn(key)} is ${key.state}.`);
  return key;
}

function tried(call: Call): void {
  if (flagOf(call.params, "DryRun") === true)
    throw new AwsRefusal("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.", 412);
}

function createGrant(world: KmsWorld, call: Call): Reply {
  const key = usable(keyOfCall(world, call));
  if (key.manager === "AWS") throw new AwsRefusal("AccessDeniedException", `The policy of the AWS managed key ${keyArn(key)} allows no grants by its users.`);
  if (textsOf(call.params, "Operations").length === 0) throw new AwsRefusal("ValidationException", "operations must not be empty");
  tried(call);
  const { KeyId: _, DryRun: __, GrantTokens: ___, ...given } = call.params;
  const name = textOf(call.params, "Name");
  // With a name, the same request again gives the same grant: that is how a lost answer is repeated.
  const known = name === null ? undefined : world.grants.find((grant) => grant.key === key && JSON.stringify(grant.given) === JSON.stringify(given));
  const grant = known ?? {
    key,
    id: randomBytes(32).toString("hex"),
    token: randomBytes(60).toString("base64"),
    issuer: `arn:aws:iam::${call.account}:root`,
    created: call.now,
    given,
  };
  if (known === undefined) world.grants.push(grant);
  return { json: { GrantId: grant.id, GrantToken: grant.token } };
}

function listGrants(world: KmsWorld, call: Call): Reply {
  const key = keyOfCall(world, call);
  const id = textOf(call.params, "GrantId");
  const grantee = textOf(call.params, "GranteePrincipal");
  const all = world.grants.filter(
    (grant) => grant.key === key && (id === null || grant.id === id) && (grantee === null || grant.given["GranteePrincipal"] === grantee),
  );
  const { items, next } = pageOf(() => all, {
    size: numberOf(call.params, "Limit") ?? 50,
    token: textOf(call.params, "Marker"),
    request: requestOf(call, "Marker"),
    now: call.now,
    bad: () => new AwsRefusal("InvalidMarkerException", "The marker is not valid."),
  });
  const Grants = items.map((grant) => ({
    KeyId: keyArn(key),
    GrantId: grant.id,
    IssuingAccount: grant.issuer,
    CreationDate: grant.created.getTime() / 1000,
    ...grant.given,
  }));
  return { json: { Grants, Truncated: next !== null, ...(next === null ? {} : { NextMarker: next }) } };
}

function revokeGrant(world: KmsWorld, call: Call): Reply {
  const key = keyOfCall(world, call);
  const at = world.grants.findIndex((grant) => grant.key === key && grant.id === textOf(call.params, "GrantId"));
  if (at < 0) throw new AwsRefusal("NotFoundException", "Grant ID was not found");
  tried(call);
  world.grants.splice(at, 1);
  return {};
}

/** For the retiring principal, the grantee with RetireGrant among its operations, or the account that gave it. */
function retireGrant(world: KmsWorld, call: Call): Reply {
  const token = textOf(call.params, "GrantToken");
  const id = textOf(call.params, "GrantId");
  const at = world.grants.findIndex((grant) => (token !== null ? grant.token === token : grant.id === id && grant.key === keyOfCall(world, call)));
  const grant = world.grants[at];
  if (grant === undefined) throw new AwsRefusal("NotFoundException", "Grant was not found");
  if (
    grant.key.account !== call.account &&
    grant.given["RetiringPrincipal"] !== call.caller.arn &&
    !(grant.given["GranteePrincipal"] === call.caller.arn && textsOf(grant.given, "Operations").includes("RetireGrant"))
  )
    throw new AwsRefusal("AccessDeniedException", `User: ${call.caller.arn} is not authorized to perform: kms:RetireGrant`);
  tried(call);
  world.grants.splice(at, 1);
  return {};
}
