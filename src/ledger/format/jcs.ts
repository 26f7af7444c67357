import { HoldfastError } from "../../core/error.ts";

/**
 * The canonical text (RFC 8785) of a value that may stand in a leaf, after NFC normalisation of its strings. Everything that two
 * libraries could print differently is refused first: undefined, floats, integers past 2^53, lone surrogates, class instances.
 * Written out here because one pass that checks, normalises and prints is several times faster than one of each; the tests
 * hold it against the `canonicalize` package, which also checks the envelope of every leaf that is read. Throws `usage` naming the place, `path` being that of the
 * value itself.
 */
export function toJcs(value: unknown, subject: string, path: readonly string[] = []): string {
  return print(value, { subject, path: [...path] });
}

type State = { readonly subject: string; readonly path: string[] };
const MAX_DEPTH = 32;

function print(value: unknown, state: State): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "string":
      return printString(value, state);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isSafeInteger(value) || Object.is(value, -0))
        throw refuse(state, `is ${Object.is(value, -0) ? "-0" : String(value)}: only safe integers are numbers here, write anything else as a string`);
      return String(value);
    case "object":
      if (state.path.length >= MAX_DEPTH) throw refuse(state, `is nested deeper than ${MAX_DEPTH}`);
      return Array.isArray(value) ? printList(value, state) : printObject(value, state);
    default:
      throw refuse(state, `is ${typeof value}`);
  }
}

function printList(list: readonly unknown[], state: State): string {
  let text = "";
  for (let i = 0; i < list.length; i += 1) {
    state.path.push(String(i));
    text += (i === 0 ? "" : ",") + print(list[i], state);
    state.path.pop();
  }
  return `[${text}]`;
}

function printObject(object: object, state: State): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) throw refuse(state, "is not a plain object");
  const inOrder = printInOrder(object, state);
  if (inOrder !== null) return inOrder;
  const entries = Object.entries(object);
  for (const entry of entries) {
    const name = normalise(entry[0], state);
    if (name === "__proto__") throw refuse(state, "has a member __proto__, which readers treat differently");
    entry[0] = name;
  }
  entries.sort(byName);
  let text = "";
  let previous: string | null = null;
  for (const [name, member] of entries) {
    if (name === previous) throw refuse(state, `has two members that are both ${JSON.stringify(name)} after normalisation`);
    state.path.push(name);
    text += `${previous === null ? "" : ","}${printString(name, state)}:${print(member, state)}`;
    state.path.pop();
    previous = name;
  }
  return `{${text}}`;
}

/** The common case, without sorting: names of plain ASCII that already stand in order. Null where it is not that. */
function printInOrder(object: object, state: State): string | null {
  if (!hasMembers(object)) return null;
  const names = Object.keys(object);
  let previous = "";
  for (const name of names) {
    if (name <= previous || !/^[a-z_]+$/i.test(name) || name === "__proto__") return null;
    previous = name;
  }
  let text = "";
  for (const name of names) {
    state.path.push(name);
    text += `${text === "" ? "" : ","}"${name}":${print(object[name], state)}`;
    state.path.pop();
  }
  return `{${text}}`;
}

function hasMembers(object: object): object is Readonly<Record<string, unknown>> {
  return Object.getPrototypeOf(object) === Object.prototype;
}

/** By UTF-16 code units, as RFC 8785 §3.2.3 wants and as `<` compares. */
function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function printString(text: string, state: State): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`; // printable ASCII without quote and backslash: nothing to escape or normalise
  return JSON.stringify(normalise(text, state));
}

function normalise(text: string, state: State): string {
  if (/^[ -~]*$/.test(text)) return text;
  if (!text.isWellFormed()) throw refuse(state, "holds a lone surrogate; name such things in their printable form");
  return text.normalize("NFC");
}

function refuse(state: State, what: string): HoldfastError {
  const place = state.path.length === 0 ? "" : `${state.path.join(".").slice(0, 200).toWellFormed()} `;
  return new HoldfastError("usage", `${state.subject}: ${place}${what}, so it cannot stand in a leaf of the ledger`);
}
