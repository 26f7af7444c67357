import { parseSha256, type Sha256 } from "./digest.ts";
import { HoldfastError } from "./error.ts";
import { fieldsOf, mapOf, optionalText, textOf } from "./shape.ts";

/** What of AWS is worked with, and in whose name. Credentials are never here: the SDK's default chain finds them. */
export type AwsConfig = {
  /** Where all of AWS is asked instead of its own endpoints; null leaves it to the SDK (`AWS_ENDPOINT_URL*`). */
  readonly endpoint: string | null;
  /** By account id. An account that is not here is worked with as the default chain is. */
  readonly accounts: Readonly<Record<string, AwsAccount>>;
  /** Where copies of locked snapshots go. */
  readonly evidenceAccount: AwsEvidenceAccount | null;
  /** The pinned tools that take memory. */
  readonly memory: AwsMemory | null;
};

export type AwsAccount = {
  /** Assumed before anything is asked there; null: the default chain is of that account. */
  readonly role: string | null;
  readonly externalId: string | null;
  /** Null: any. */
  readonly regions: readonly string[] | null;
  /** The customer key of that account for copies of snapshots whose own key cannot be shared. */
  readonly kmsKey: string | null;
};

export type AwsEvidenceAccount = { readonly role: string | null; readonly externalId: string | null; readonly kmsKey: string | null };

/** Paths as written; app.ts resolves them against the configuration's folder. */
export type AwsMemory = AwsTool & { readonly windows: AwsTool | null };
export type AwsTool = { readonly tool: string; readonly sha256: Sha256 };

export const noAws: AwsConfig = { endpoint: null, accounts: {}, evidenceAccount: null, memory: null };

/** The `aws` block of the configuration. Throws `config`, naming the key. */
export function parseAwsConfig(value: unknown): AwsConfig {
  if (value === undefined) return noAws;
  const fields = fieldsOf(value, "aws", ["endpoint", "accounts", "evidenceAccount", "memory"]);
  return {
    endpoint: fields["endpoint"] === undefined ? null : endpointOf(fields["endpoint"]),
    accounts: parseAccounts(fields["accounts"]),
    evidenceAccount: parseEvidenceAccount(fields["evidenceAccount"]),
    memory: parseMemory(fields["memory"]),
  };
}

function endpointOf(value: unknown): string {
  const text = textOf(value, "aws.endpoint");
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new HoldfastError("config", `aws.endpoint: ${JSON.stringify(text)} is not a URL; write http://HOST:PORT or https://HOST`);
  if (url.username !== "" || url.password !== "")
    throw new HoldfastError("config", "aws.endpoint: credentials do not belong in the configuration; remove them");
  return text;
}

function parseAccounts(value: unknown): AwsConfig["accounts"] {
  if (value === undefined) return {};
  return Object.fromEntries(
    Object.entries(mapOf(value, "aws.accounts")).map(([id, account]) => {
      const path = `aws.accounts.${id}`;
      // A YAML key that is not quoted loses its leading zeros: 012345678901 would be another account.
      if (!/^\d{12}$/.test(id)) throw new HoldfastError("config", `${path}: an account id is 12 digits; write it in quotes: "012345678901"`);
      const f = fieldsOf(account, path, ["role", "externalId", "regions", "kmsKey"]);
      const role = optionalRole(f["role"], `${path}.role`);
      if (role !== null && role.split(":")[4] !== id)
        throw new HoldfastError("config", `${path}.role: ${role} is of account ${role.split(":")[4]}, not of ${id}; correct the one or the other`);
      return [
        id,
        {
          role,
          externalId: externalId(f["externalId"], role, path),
          regions: regionsOf(f["regions"], `${path}.regions`),
          kmsKey: optionalKey(f["kmsKey"], `${path}.kmsKey`),
        },
      ];
    }),
  );
}

function parseEvidenceAccount(value: unknown): AwsEvidenceAccount | null {
  if (value === undefined) return null;
  const path = "aws.evidenceAccount";
  const f = fieldsOf(value, path, ["role", "externalId", "kmsKey"]);
  const role = optionalRole(f["role"], `${path}.role`);
  return { role, externalId: externalId(f["externalId"], role, path), kmsKey: optionalKey(f["kmsKey"], `${path}.kmsKey`) };
}

function externalId(value: unknown, role: string | null, path: string): string | null {
  const id = optionalText(value, `${path}.externalId`);
  if (id === null) return null;
  if (role === null) throw new HoldfastError("config", `${path}.externalId: there is no role that it could go with; name ${path}.role or remove it`);
  // The pattern of sts:AssumeRole ExternalId.
  if (!/^[\w+=,.@:/-]{2,1224}$/.test(id)) throw new HoldfastError("config", `${path}.externalId: use 2 to 1224 letters, digits and +=,.@:/_-`);
  return id;
}

function optionalRole(value: unknown, path: string): string | null {
  const arn = optionalText(value, path);
  if (arn !== null && !/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(arn))
    throw new HoldfastError("config", `${path}: ${JSON.stringify(arn)} is not a role; write arn:aws:iam::ACCOUNT:role/NAME`);
  return arn;
}

/** An ARN, because a bare id or alias would mean another key in another account. */
function optionalKey(value: unknown, path: string): string | null {
  const arn = optionalText(value, path);
  if (arn !== null && !/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key\/[A-Za-z0-9-]+|alias\/[\w/-]+)$/.test(arn))
    throw new HoldfastError("config", `${path}: ${JSON.stringify(arn)} is not a key; write arn:aws:kms:REGION:ACCOUNT:key/ID`);
  return arn;
}

function regionsOf(value: unknown, path: string): readonly string[] | null {
  if (value === undefined) return null;
  if (!Array.isArray(value) || value.length === 0)
    throw new HoldfastError("config", `${path}: expected a list of Regions, e.g. [eu-west-1]; leave it out to allow all`);
  return value.map((region, i) => {
    const text = textOf(region, `${path}[${i}]`);
    if (!/^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/.test(text))
      throw new HoldfastError("config", `${path}[${i}]: ${JSON.stringify(text)} is not a Region; write e.g. eu-west-1`);
    return text;
  });
}

function parseMemory(value: unknown): AwsMemory | null {
  if (value === undefined) return null;
  const f = fieldsOf(value, "aws.memory", ["tool", "sha256", "windows"]);
  const windows = f["windows"];
  return {
    ...toolOf(f, "aws.memory"),
    windows: windows === undefined ? null : toolOf(fieldsOf(windows, "aws.memory.windows", ["tool", "sha256"]), "aws.memory.windows"),
  };
}

function toolOf(fields: { readonly [key: string]: unknown }, path: string): AwsTool {
  const sha256 = textOf(fields["sha256"], `${path}.sha256`);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new HoldfastError("config", `${path}.sha256: expected 64 lower-case hex digits; print them with sha256sum`);
  return { tool: textOf(fields["tool"], `${path}.tool`), sha256: parseSha256(sha256) };
}
