import type { Json } from "../../../src/core/act.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Claims, DumpEnd } from "./claims.ts";
import { type MemoryKept, newKept } from "./kept.ts";
import type { Ready } from "./ready.ts";
import { isEnding } from "./words.ts";

/**
 * Our own row of the journal, after a crash or another release; null at first. It says which command runs on the host and up to which
 * part links are out: whatever does not read as it was written ends here, and is never guessed.
 */
export function parseKept(value: Json): MemoryKept | null {
  return value === null ? null : kept(value, "the memory step's own memory");
}

type Read<T> = (value: unknown, path: string) => T;

function shape<T extends object>(fields: { readonly [K in keyof T]: Read<T[K]> }): Read<T> {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw notOurs(path, "a mapping", value);
    const names = Object.keys(fields);
    const strange = Object.keys(value).find((name) => !names.includes(name));
    if (strange !== undefined) throw notOurs(`${path}.${printable(strange)}`, "nothing", Reflect.get(value, strange));
    const read = Object.entries<Read<unknown>>(fields).map(([name, one]) => [name, one(Reflect.get(value, name), `${path}.${name}`)] as const);
    return Object.fromEntries(read) as T; // each field went through its own reader, and there are no others
  };
}

function fits<T>(what: string, test: (value: unknown) => value is T): Read<T> {
  return (value, path) => {
    if (test(value)) return value;
    throw notOurs(path, what, value);
  };
}

function orNull<T>(read: Read<T>): Read<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

function notOurs(path: string, what: string, value: unknown): HoldfastError {
  const found = value === undefined ? "nothing" : printable(JSON.stringify(value).slice(0, 80));
  return new HoldfastError(
    "unexpected",
    `${path} should be ${what} and is ${found}: an earlier attempt left it in the journal, and not this release; report this`,
  );
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTime = (value: unknown): value is string => isText(value) && !Number.isNaN(Date.parse(value));
const isCount = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const text = fits("a text", isText);
const time = fits("a time", isTime);
const count = fits("a number from 0 on", isCount);
const flag = fits("true or false", (value: unknown): value is boolean => typeof value === "boolean");
const digest = fits("a SHA-256 in hex", (value: unknown): value is string => isText(value) && /^[0-9a-f]{64}$/.test(value));

const ready = shape<Ready>({
  directory: text,
  http: text,
  memory: orNull(count),
  ram: fits("a list of texts", (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText)),
  ranges: count,
  publicKey: orNull(text),
  free: count,
  mounted: flag,
  system: text,
});

const claims = shape<Claims>({
  ended: fits("an ending", isEnding),
  parts: count,
  bytes: count,
  sha256: orNull(digest),
  tool: orNull(digest),
  left: flag,
  said: text,
});

const { schema } = newKept("", "linux", "", false);
const kept = shape<MemoryKept>({
  schema: fits(schema, (value: unknown): value is MemoryKept["schema"] => value === schema),
  // It is part of a directory's name, in a script that runs as root.
  token: fits("16 to 40 of 0-9 and a-z", (value: unknown): value is string => isText(value) && /^[0-9a-z]{16,40}$/.test(value)),
  system: fits("linux or windows", (value: unknown): value is MemoryKept["system"] => value === "linux" || value === "windows"),
  tool: digest,
  replaces: flag,
  asked: orNull(text),
  ready: orNull(ready),
  partSize: count,
  began: orNull(time),
  command: orNull(text),
  batch: fits("a number from -1 on", (value: unknown): value is number => value === -1 || isCount(value)),
  issued: count,
  lapse: orNull(shape<NonNullable<MemoryKept["lapse"]>>({ from: time, until: time })),
  end: orNull(shape<DumpEnd>({ problem: orNull(text), claims: orNull(claims), at: time, again: flag })),
});
