import canonicalize from "canonicalize";
import { HoldfastError } from "../core/error.ts";

/**
 * The canonical text (RFC 8785) of a value that may stand in a leaf, after NFC normalisation of its strings. Everything that two
 * libraries could print differently is refused first: undefined, floats, integers past 2^53, lone surrogates, class instances.
 * Throws `usage` naming the place.
 */
export function toJcs(value: unknown, subject: string): string {
  const state: State = { subject, path: [], integerKeys: false };
  const clean = normalise(value, state);
  // JSON.stringify keeps insertion order, which is sorted order here, except for names that look like array indices.
  const text = state.integerKeys ? canonicalize(clean) : JSON.stringify(clean);
  if (text === undefined) throw refuse(state, "cannot be written as JSON");
  return text;
}

type State = { readonly subject: string; readonly path: string[]; integerKeys: boolean };
const MAX_DEPTH = 32;

function normalise(value: unknown, state: State): unknown {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return toNfc(value, state);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw refuse(state, `is ${Object.is(value, -0) ? "-0" : String(value)}: only safe integers are numbers here, write anything else as a string`);
    return value;
  }
  if (typeof value !== "object") throw refuse(state, `is ${typeof value}`);
  if (state.path.length >= MAX_DEPTH) throw refuse(state, `is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return Array.from(value, (item: unknown, i) => within(item, String(i), state));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse(state, "is not a plain object");
  const members: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) members.push([toNfc(name, state), within(member, name, state)]);
  members.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const sorted: Record<string, unknown> = {};
  let previous: string | null = null;
  for (const [name, member] of members) {
    if (name === previous) throw refuse(state, `has two members that are both ${JSON.stringify(name)} after normalisation`);
    if (name === "__proto__") throw refuse(state, "has a member __proto__, which readers treat differently");
    if (/^\d/.test(name)) state.integerKeys = true;
    sorted[name] = member;
    previous = name;
  }
  return sorted;
}

function within(value: unknown, name: string, state: State): unknown {
  if (typeof value === "boolean" || value === null) return value;
  state.path.push(name);
  const clean = normalise(value, state);
  state.path.pop();
  return clean;
}

function toNfc(text: string, state: State): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII, which is always in NFC
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  if (!text.isWellFormed()) throw refuse(state, "holds a lone surrogate; name such things in their printable form");
  return text.normalize("NFC");
}

function refuse(state: State, what: string): HoldfastError {
  const place = state.path.length === 0 ? "" : `${state.path.join(".").slice(0, 200).toWellFormed()} `;
  return new HoldfastError("usage", `${state.subject}: ${place}${what}, so it cannot stand in a leaf of the ledger`);
}
