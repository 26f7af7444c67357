/** STS: who calls, and roles that are really assumed: the keys given out work on the other services until they expire. */
import { createHash, randomBytes } from "node:crypto";
import type { KeyRing } from "./key-ring.ts";
import { itemsOf, numberOf, requiredText, textOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply, type Service } from "./service.ts";

export type AssumableRole = {
  readonly arn: string;
  /** Accounts whose callers may assume it. */
  readonly trusts: readonly string[];
  /** What the trust policy demands; none if absent. */
  readonly externalId?: string;
  /** false: the trust policy does not allow sts:TagSession. */
  readonly tags?: boolean;
  /** MaxSessionDuration, seconds; 3600 unless said. */
  readonly maxSeconds?: number;
};

/** A role that is taken out of the map may no longer be assumed. */
export type StsWorld = { readonly assumable: Map<string, AssumableRole> };

const maxChained = 3600;

export function stsService(world: StsWorld, keys: KeyRing): Service {
  return {
    name: "sts",
    protocol: "query",
    version: "2011-06-15",
    namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    operations: {
      GetCallerIdentity: ({ caller, account }) => ({ xml: { Arn: caller.arn, UserId: caller.userId, Account: account } }),
      AssumeRole: (call) => assumeRole(world, keys, call),
    },
  };
}

function assumeRole(world: StsWorld, keys: KeyRing, call: Call): Reply {
  const arn = requiredText(call.params, "RoleArn");
  const session = requiredText(call.params, "RoleSessionName");
  if (!/^[\w+=,.@-]{2,64}$/.test(session)) throw invalid("roleSessionName", "Member must satisfy regular expression pattern: [\\w+=,.@-]*");
  const seconds = numberOf(call.params, "DurationSeconds") ?? 3600;
  if (!(seconds >= 900 && seconds <= 43_200)) throw invalid("durationSeconds", "Member must have value between 900 and 43200");
  const role = world.assumable.get(arn);
  const denied = (action: string): AwsRefusal =>
    new AwsRefusal("AccessDenied", `User: ${call.caller.arn} is not authorized to perform: ${action} on resource: ${arn}`, 403);
  // AWS says the same for a role that does not exist, one that does not trust the caller, and a wrong external id.
  if (role === undefined || !role.trusts.includes(call.account)) throw denied("sts:AssumeRole");
  if (role.externalId !== undefined && role.externalId !== textOf(call.params, "ExternalId")) throw denied("sts:AssumeRole");
  const tags = itemsOf(call.params, "Tags").map((tag) => [requiredText(tag, "Key"), requiredText(tag, "Value")] as const);
  if (tags.length > 0 && role.tags === false) throw denied("sts:TagSession");
  if (new Set(tags.map(([key]) => key.toLowerCase())).size !== tags.length)
    throw new AwsRefusal("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  if (keys.find(call.caller.accessKeyId)?.sessionToken !== undefined && seconds > maxChained)
    throw new AwsRefusal("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining");
  if (seconds > (role.maxSeconds ?? 3600))
    throw new AwsRefusal("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  const [, account = "", name = ""] = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
  const userId = `${uniqueId("AROA", arn)}:${session}`;
  const assumed = `arn:aws:sts::${account}:assumed-role/${name}/${session}`;
  const accessKeyId = uniqueId("ASIA", randomBytes(16).toString("hex"));
  const secretAccessKey = randomBytes(30).toString("base64");
  const sessionToken = randomBytes(120).toString("base64");
  const expires = new Date(Math.floor(call.now.getTime() / 1000 + seconds) * 1000);
  keys.register({ accessKeyId, secretAccessKey, sessionToken, expires, account, arn: assumed, userId, sessionTags: Object.fromEntries(tags) });
  return {
    xml: {
      Credentials: { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken, Expiration: expires },
      AssumedRoleUser: { AssumedRoleId: userId, Arn: assumed },
      PackedPolicySize: tags.length > 0 ? 6 : null,
    },
  };
}

/** The same name gives the same id, as a role keeps its own. */
export function uniqueId(prefix: string, name: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const hash = createHash("sha256").update(name).digest();
  return (prefix + [...hash].map((byte) => letters[byte % 32]).join("")).slice(0, 20);
}

function invalid(name: string, text: string): AwsRefusal {
  return new AwsRefusal("ValidationError", `1 validation error detected: Value at '${name}' failed to satisfy constraint: ${text}`);
}
