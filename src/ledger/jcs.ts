import canonicalize from "canonicalize";
import { HoldfastError } from "../core/error.ts";

/**
 * The canonical text (RFC 8785) of a value that may stand in a leaf, after NFC normalisation of its strings. Everything that two
 * libraries could print differently is refused first: undefined, floats, integers past 2^53, lone surrogates, class instances.
 * Throws `usage` naming the place.
 */
export function toJcs(value: unknown, where: string): string {
  const state = { integerKeys: false };
  const clean = normalise(value, where, 0, state);
  // JSON.stringify keeps insertion order, which is sorted order here, except for keys that look like array indices.
  const text = state.integerKeys ? canonicalize(clean) : JSON.stringify(clean);
  if (text === undefined) throw refuse(where, "cannot be written as JSON");
  return text;
}

const MAX_DEPTH = 32;

function normalise(value: unknown, where: string, depth: number, state: { integerKeys: boolean }): unknown {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return toNfc(value, where);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw refuse(where, `is ${String(value)}: only safe integers are numbers here, write anything else as a string`);
    return value;
  }
  if (typeof value !== "object") throw refuse(where, `is ${typeof value}`);
  if (depth >= MAX_DEPTH) throw refuse(where, `is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return Array.from(value, (item: unknown, i) => normalise(item, `${where}[${i}]`, depth + 1, state));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse(where, "is not a plain object");
  const entries: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) entries.push([toNfc(name, where), normalise(member, where, depth + 1, state)]);
  entries.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const sorted: Record<string, unknown> = {};
  let previous: string | null = null;
  for (const [name, member] of entries) {
    if (name === previous) throw refuse(where, `has two members that are both ${JSON.stringify(name)} after normalisation`);
    if (name === "__proto__") throw refuse(where, "has a member __proto__, which readers treat differently");
    if (/^\d/.test(name)) state.integerKeys = true;
    sorted[name] = member;
    previous = name;
  }
  return sorted;
}

function toNfc(text: string, where: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII, which is always in NFC
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  if (!text.isWellFormed()) throw refuse(where, "holds a lone surrogate; name such things in their printable form");
  return text.normalize("NFC");
}

function refuse(where: string, what: string): HoldfastError {
  return new HoldfastError("usage", `${where} ${what}, so it cannot stand in a leaf of the ledger`);
}
