import { type AnchorsConfig, parseAnchorsConfig } from "./config-anchors.ts";
import { type AwsConfig, parseAwsConfig } from "./config-aws.ts";
import { parseSha256, type Sha256 } from "./digest.ts";
import { HoldfastError } from "./error.ts";
import { kinds } from "./kind.ts";
import { booleanOf, entryOf, fieldsOf, mapOf, oneOf, optionalText, textOf } from "./shape.ts";
import { parseDuration } from "./window.ts";

/** One vault of the configuration. Paths are as written; app.ts resolves them against the home. */
export type VaultConfig =
  | { readonly kind: "directory"; readonly path: string; readonly retain: string }
  | {
      readonly kind: "s3";
      readonly bucket: string;
      readonly region: string | null;
      readonly prefix: string;
      readonly mode: "compliance" | "governance";
      readonly retain: string;
      readonly expectedOwner: string | null;
      readonly kmsKey: string | null;
      readonly endpoint: string | null;
      readonly pathStyle: boolean;
      readonly acceptBypassable: boolean;
    };

export type RetentionConfig = {
  readonly classes: Readonly<Record<string, string>>;
  readonly byKind: Readonly<Record<string, string>>;
  readonly bySeverity: Readonly<Record<string, string>>;
  /** How long before its end the retention of what is open or held is renewed (`retain sweep`). */
  readonly renewBefore: string;
};

/** Who acts, and the `.pub` file of the SSH key that signs those acts once it is enrolled. The path is as written. */
export type ActorConfig = { readonly id: string; readonly kind: "person" | "machine"; readonly key: string | null };

export type Config = {
  readonly origin: string | null;
  readonly actor: ActorConfig | null;
  readonly vaults: Readonly<Record<string, VaultConfig>>;
  readonly defaultVault: string | null;
  readonly retention: RetentionConfig;
  readonly aws: AwsConfig;
  readonly anchors: AnchorsConfig;
  readonly avml: { readonly path: string; readonly sha256: Sha256 } | null;
};

const known = ["origin", "actor", "vaults", "defaultVault", "retention", "anchors", "aws", "host"] as const;
/** Keys of contract.md that this release does not act on: to accept one silently would be to promise what it asks for. */
const later = ["copies", "azure", "gcp", "plan", "contacts", "alerts", "priority", "budget", "playbooks", "api"] as const;

/** The configuration from parsed YAML; `undefined` or an empty file gives the defaults. Throws `config`, naming the key. */
export function parseConfig(value: unknown): Config {
  const fields = fieldsOf(value ?? {}, "", [...known, ...later]);
  for (const key of later)
    if (fields[key] !== undefined)
      throw new HoldfastError("config", `${key}: this release does not act on this key yet; remove it, so that nobody relies on it`);
  const vaults = Object.fromEntries(
    Object.entries(fields["vaults"] === undefined ? {} : mapOf(fields["vaults"], "vaults")).map(([name, vault]) => [name, parseVault(vault, `vaults.${name}`)]),
  );
  const defaultVault = optionalText(fields["defaultVault"], "defaultVault");
  if (defaultVault !== null && entryOf(vaults, defaultVault) === undefined)
    throw new HoldfastError("config", `defaultVault: there is no vault ${JSON.stringify(defaultVault)}; known: ${Object.keys(vaults).join(", ") || "none"}`);
  return {
    origin: fields["origin"] === undefined ? null : parseOrigin(textOf(fields["origin"], "origin"), "origin"),
    actor: parseActorConfig(fields["actor"]),
    vaults,
    defaultVault,
    retention: parseRetention(fields["retention"]),
    aws: parseAwsConfig(fields["aws"]),
    anchors: parseAnchorsConfig(fields["anchors"], ["here", ...Object.keys(vaults)]),
    avml: parseAvml(fields["host"]),
  };
}

/**
 * C2SP origin: a schema-less URL; no spaces, no plus, at most 255 bytes (tlog-checkpoint, signed-note). `from` is where it was
 * written: one of the file is a wrong configuration, one of the command line a wrong request.
 */
export function parseOrigin(text: string, field: string, from: "config" | "usage" = "config"): string {
  if (!/^[^\s+]+$/u.test(text) || /[\p{Cc}]/u.test(text) || Buffer.byteLength(text) > 255 || text.includes("://"))
    throw new HoldfastError(
      from,
      `${field}: ${JSON.stringify(text)} is not a C2SP origin; write a schema-less URL such as evidence.example.org/l/2026, without spaces or +, at most 255 bytes`,
    );
  return text;
}

function parseActorConfig(value: unknown): ActorConfig | null {
  if (value === undefined) return null;
  const fields = fieldsOf(value, "actor", ["id", "key", "kind"]);
  return {
    id: textOf(fields["id"], "actor.id"),
    kind: fields["kind"] === undefined ? "person" : oneOf(fields["kind"], "actor.kind", ["person", "machine"]),
    key: optionalText(fields["key"], "actor.key"),
  };
}

function parseVault(value: unknown, path: string): VaultConfig {
  const kind = oneOf(mapOf(value, path)["kind"], `${path}.kind`, ["directory", "s3", "azure-blob", "gcs"]);
  switch (kind) {
    case "directory": {
      const f = fieldsOf(value, path, ["kind", "path", "retain"]);
      return { kind, path: textOf(f["path"], `${path}.path`), retain: duration(f["retain"], `${path}.retain`, "30d") };
    }
    case "s3": {
      const f = fieldsOf(value, path, ["kind", "bucket", "region", "prefix", "mode", "retain", "expectedOwner", "kmsKey", "endpoint", "pathStyle", "accept"]);
      return {
        kind,
        bucket: textOf(f["bucket"], `${path}.bucket`),
        region: optionalText(f["region"], `${path}.region`),
        prefix: f["prefix"] === undefined ? "" : textOf(f["prefix"], `${path}.prefix`),
        mode: f["mode"] === undefined ? "compliance" : oneOf(f["mode"], `${path}.mode`, ["compliance", "governance"]),
        retain: duration(f["retain"], `${path}.retain`, "90d"),
        expectedOwner: optionalText(f["expectedOwner"], `${path}.expectedOwner`),
        kmsKey: optionalText(f["kmsKey"], `${path}.kmsKey`),
        endpoint: optionalText(f["endpoint"], `${path}.endpoint`),
        pathStyle: f["pathStyle"] === undefined ? false : booleanOf(f["pathStyle"], `${path}.pathStyle`),
        acceptBypassable: f["accept"] !== undefined && oneOf(f["accept"], `${path}.accept`, ["bypassable"]) === "bypassable",
      };
    }
    case "azure-blob":
    case "gcs":
      throw new HoldfastError("config", `${path}.kind: this release has no ${kind} vault yet; use s3 or directory`);
    default:
      return kind satisfies never;
  }
}

function duration(value: unknown, path: string, otherwise: string): string {
  const text = value === undefined ? otherwise : textOf(value, path);
  try {
    parseDuration(text, path);
  } catch (error) {
    throw new HoldfastError("config", error instanceof Error ? error.message : String(error), error);
  }
  return text;
}

function parseRetention(value: unknown): RetentionConfig {
  const fields = value === undefined ? {} : fieldsOf(value, "retention", ["classes", "byKind", "bySeverity", "renewBefore"]);
  const classes = durations(fields["classes"], "retention.classes");
  const bySeverity = Object.fromEntries(
    Object.entries(fields["bySeverity"] === undefined ? {} : mapOf(fields["bySeverity"], "retention.bySeverity")).map(([severity, name]) => {
      const className = textOf(name, `retention.bySeverity.${severity}`);
      if (entryOf(classes, className) === undefined)
        throw new HoldfastError("config", `retention.bySeverity.${severity}: there is no class ${JSON.stringify(className)}`);
      return [oneOf(severity, "retention.bySeverity", ["low", "medium", "high", "critical"]), className];
    }),
  );
  const byKind = durations(fields["byKind"], "retention.byKind");
  for (const kind of Object.keys(byKind)) oneOf(kind, "retention.byKind", kinds); // a mistyped kind would be kept shorter than it says
  return { classes, byKind, bySeverity, renewBefore: duration(fields["renewBefore"], "retention.renewBefore", "30d") };
}

function durations(value: unknown, path: string): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  return Object.fromEntries(Object.entries(mapOf(value, path)).map(([name, text]) => [name, duration(text, `${path}.${name}`, "")]));
}

function parseAvml(value: unknown): Config["avml"] {
  if (value === undefined) return null;
  const host = fieldsOf(value, "host", ["avml"]);
  if (host["avml"] === undefined) return null;
  const avml = fieldsOf(host["avml"], "host.avml", ["path", "sha256"]);
  const sha256 = textOf(avml["sha256"], "host.avml.sha256");
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new HoldfastError("config", "host.avml.sha256: expected 64 lower-case hex digits; print them with sha256sum");
  return { path: textOf(avml["path"], "host.avml.path"), sha256: parseSha256(sha256) };
}
