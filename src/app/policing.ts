import type { Grant } from "../../collectors/aws/calls/row.ts";
import type { Place, PolicyDocument } from "../../collectors/aws/policies.ts";
import type { AwsConfig } from "../core/config-aws.ts";
import type { VaultConfig } from "../core/config.ts";
import { HoldfastError } from "../core/error.ts";
import { s3Permissions, sentinelFolder } from "../vault/s3-permissions.ts";
import type { Services } from "./services.ts";

export const policyRoles = ["collector", "evidence", "vault", "contain"] as const;
export type PolicyRole = (typeof policyRoles)[number];

export type PolicyWish = {
  readonly roles: readonly PolicyRole[];
  /** Null: the only account of the configuration, else any. */
  readonly account: string | null;
  readonly vault: string | null;
  /** Buckets of logs that do not lie under AWSLogs/. */
  readonly logBuckets: readonly string[];
};

export type Policies = {
  readonly policies: readonly { readonly role: PolicyRole; readonly document: PolicyDocument }[];
  /** What was left out, and why: one sentence each. */
  readonly notes: readonly string[];
};

export type Policing = { iam(wish: PolicyWish): Promise<Policies> };

/** Least-privilege policies, made of the same tables as the calls. */
export function policing(services: Pick<Services, "config" | "vaultConfig">): Policing {
  return {
    async iam(wish) {
      const { callPolicy, policyOf } = await import("../../collectors/aws/policies.ts");
      const { aws } = services.config;
      const evidence = aws.evidenceAccount?.role?.split(":")[4] ?? aws.evidenceAccount?.kmsKey?.split(":")[4] ?? null;
      const place: Place = { partition: partitionOf(aws), account: wish.account ?? onlyAccount(aws) ?? "*", evidence, logBuckets: wish.logBuckets };
      const notes: string[] = [];
      if (evidence === null && wish.roles.includes("collector"))
        notes.push("collector: the configuration has no aws.evidenceAccount, so the right to share snapshots is left out");
      const policies: { role: PolicyRole; document: PolicyDocument }[] = [];
      for (const role of wish.roles) {
        if (role !== "vault") {
          policies.push({ role, document: callPolicy(role, place) });
          continue;
        }
        const { name, config } = services.vaultConfig(wish.vault);
        if (config.kind === "s3") policies.push({ role, document: policyOf(vaultGrants(config), place) });
        else if (wish.roles.length === 1)
          throw new HoldfastError("config", `vault ${name} is a ${config.kind}: it needs no IAM policy; name an S3 vault with --vault`);
        else notes.push(`vault: ${name} is a ${config.kind} and needs no policy; name an S3 vault with --vault`);
      }
      return { policies, notes };
    },
  };
}

function onlyAccount({ accounts }: AwsConfig): string | null {
  const [first, ...others] = Object.keys(accounts);
  return others.length === 0 ? (first ?? null) : null;
}

function partitionOf({ accounts, evidenceAccount }: AwsConfig): string {
  const arn = Object.values(accounts).find(({ role }) => role !== null)?.role ?? evidenceAccount?.role ?? evidenceAccount?.kmsKey ?? null;
  return arn?.split(":")[1] ?? "aws";
}

function vaultGrants({ bucket, prefix, kmsKey }: Extract<VaultConfig, { kind: "s3" }>): readonly Grant[] {
  const places = {
    bucket: { resources: [`arn:{partition}:s3:::${bucket}`] },
    object: { resources: [`arn:{partition}:s3:::${bucket}/${prefix}*`] },
    sentinel: { resources: [`arn:{partition}:s3:::${bucket}/${prefix}${sentinelFolder}*`] },
    key: kmsKey === null ? null : keyOf(kmsKey),
  };
  return Object.values(s3Permissions)
    .flat()
    .flatMap(({ permission, on }) => (places[on] === null ? [] : [{ permission, ...places[on] }]));
}

/** S3 takes a key as ARN, id or alias; a policy takes an ARN, and an alias only as a condition. */
function keyOf(key: string): Pick<Grant, "resources" | "condition"> {
  const alias = /(?:^|:)(alias\/.*)$/.exec(key)?.[1];
  if (alias === undefined) return { resources: [key.startsWith("arn:") ? key : `arn:{partition}:kms:*:{account}:key/${key}`] };
  return { resources: ["arn:{partition}:kms:*:*:key/*"], condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": alias } } };
}
