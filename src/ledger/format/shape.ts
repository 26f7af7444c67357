import { HoldfastError } from "../../core/error.ts";

/** Small parsers for what stands in a leaf: exact members, exact types, the place named when something is wrong. */
export type Fields = Readonly<Record<string, unknown>>;

export function wrong(where: string, what: string): HoldfastError {
  return new HoldfastError("usage", `${where} ${what}`);
}

/** An object with exactly these members. */
export function fields(value: unknown, names: readonly string[], where: string): Fields {
  const all = record(value, where);
  for (const name of names) if (!Object.hasOwn(all, name)) throw wrong(where, `has no ${name}`);
  if (Object.keys(all).length > names.length)
    for (const name of Object.keys(all)) if (!names.includes(name)) throw wrong(where, `has an unknown member ${JSON.stringify(name)}`);
  return all;
}

export function record(value: unknown, where: string): Fields {
  if (!isRecord(value)) throw wrong(where, "is not an object");
  return value;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function list<T>(value: unknown, where: string, parse: (item: unknown, where: string) => T): readonly T[] {
  if (!Array.isArray(value)) throw wrong(where, "is not a list");
  return value.map((item: unknown, i) => parse(item, `${where}[${i}]`));
}

export function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw wrong(where, "is not a string");
  return value;
}

export function filled(value: unknown, where: string): string {
  const found = text(value, where);
  if (found === "") throw wrong(where, "is empty");
  return found;
}

export function flag(value: unknown, where: string): boolean {
  if (typeof value !== "boolean") throw wrong(where, "is not true or false");
  return value;
}

export function count(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw wrong(where, "is not a count");
  return value;
}

export function digits(value: unknown, where: string): string {
  const found = text(value, where);
  if (!/^(0|[1-9]\d*)$/.test(found)) throw wrong(where, "is not a number in decimal digits");
  return found;
}

export function oneOf<T extends string>(value: unknown, words: readonly T[], where: string): T {
  const word = words.find((w) => w === value);
  if (word === undefined) throw wrong(where, `is ${JSON.stringify(value) ?? "nothing"}, not one of ${words.join(", ")}`);
  return word;
}

export function orNull<T>(value: unknown, where: string, parse: (value: unknown, where: string) => T): T | null {
  return value === null ? null : parse(value, where);
}
