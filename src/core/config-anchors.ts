import { HoldfastError } from "./error.ts";
import { fieldsOf, optionalText, textOf } from "./shape.ts";

/** Who outside holds on to the head of the ledger. Keys are checked, and paths resolved, where they are used. */
export type AnchorsConfig = {
  /** The vault that mirrors the ledger under lock. */
  readonly worm: string | null;
  readonly witnesses: readonly WitnessConfig[];
  readonly timestamp: readonly TimestampConfig[];
  /** How many of the witnesses have to vouch for a head before it counts as witnessed; 0 where there are none. */
  readonly quorum: number;
};

export type WitnessConfig = { readonly name: string; readonly url: string; readonly vkey: string };
/** `ca` is the path of a PEM file, as written; `policy` null accepts any. */
export type TimestampConfig = { readonly name: string; readonly url: string; readonly ca: string; readonly policy: string | null };

export const noAnchors: AnchorsConfig = { worm: null, witnesses: [], timestamp: [], quorum: 0 };

const MAX_EACH = 32;

/** The `anchors` block of the configuration; `vaults` are those that the mirror may be in. Throws `config`, naming the key. */
export function parseAnchorsConfig(value: unknown, vaults: readonly string[]): AnchorsConfig {
  if (value === undefined) return noAnchors;
  const fields = fieldsOf(value, "anchors", ["worm", "witnesses", "timestamp", "quorum"]);
  const worm = optionalText(fields["worm"], "anchors.worm");
  if (worm !== null && !vaults.includes(worm))
    throw new HoldfastError("config", `anchors.worm: there is no vault ${JSON.stringify(worm)}; known: ${vaults.join(", ")}`);
  const witnesses = listOf(fields["witnesses"], "anchors.witnesses", witnessOf);
  const timestamp = listOf(fields["timestamp"], "anchors.timestamp", timestampOf);
  // One witness under two names would count twice.
  const keys = witnesses.map(({ vkey }) => vkey.slice(vkey.lastIndexOf("+")));
  for (const [i, key] of keys.entries())
    if (keys.indexOf(key) < i)
      throw new HoldfastError("config", `anchors.witnesses[${i}].vkey: this key is that of ${witnesses[keys.indexOf(key)]?.name}; a witness counts once`);
  return { worm, witnesses, timestamp, quorum: quorumOf(fields["quorum"], witnesses.length) };
}

function listOf<T extends { readonly name: string }>(value: unknown, path: string, parse: (item: unknown, path: string) => T): readonly T[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > MAX_EACH) throw new HoldfastError("config", `${path}: expected a list of at most ${MAX_EACH}`);
  const items = value.map((item: unknown, i) => parse(item, `${path}[${i}]`));
  for (const [i, { name }] of items.entries())
    if (items.findIndex((other) => other.name === name) < i) throw new HoldfastError("config", `${path}[${i}].name: ${name} is taken; give each its own name`);
  return items;
}

function witnessOf(value: unknown, path: string): WitnessConfig {
  const f = fieldsOf(value, path, ["name", "url", "vkey"]);
  const vkey = textOf(f["vkey"], `${path}.vkey`);
  if (!/^[^+\s]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/.test(vkey))
    throw new HoldfastError("config", `${path}.vkey: expected NAME+HEX+BASE64, as the witness's operator publishes it`);
  return { name: nameOf(f["name"], `${path}.name`), url: urlOf(f["url"], `${path}.url`), vkey };
}

function timestampOf(value: unknown, path: string): TimestampConfig {
  const f = fieldsOf(value, path, ["name", "url", "ca", "policy"]);
  const policy = optionalText(f["policy"], `${path}.policy`);
  if (policy !== null && !/^[0-2](\.(0|[1-9]\d*)){1,32}$/.test(policy))
    throw new HoldfastError("config", `${path}.policy: expected an object identifier such as 1.3.6.1.4.1.4146.2.3; leave it out to accept any`);
  return { name: nameOf(f["name"], `${path}.name`), url: urlOf(f["url"], `${path}.url`), ca: textOf(f["ca"], `${path}.ca`), policy };
}

/** It stands in the ledger's database, in documents and on terminals. */
function nameOf(value: unknown, path: string): string {
  const name = textOf(value, path);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) throw new HoldfastError("config", `${path}: use 1 to 64 letters, digits, dots, dashes and underscores`);
  return name;
}

function urlOf(value: unknown, path: string): string {
  const text = textOf(value, path);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new HoldfastError("config", `${path}: ${JSON.stringify(text)} is not a URL; write https://HOST/PATH`);
  if (url.username !== "" || url.password !== "") throw new HoldfastError("config", `${path}: credentials do not belong in the configuration; remove them`);
  return text;
}

/** More than half unless it is said: then no two heads that differ can both be witnessed unless a witness lies. */
function quorumOf(value: unknown, witnesses: number): number {
  if (value === undefined) return witnesses === 0 ? 0 : Math.floor(witnesses / 2) + 1;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1 || value > witnesses)
    throw new HoldfastError("config", `anchors.quorum: expected a number from 1 to ${witnesses}, the number of witnesses`);
  return value;
}
