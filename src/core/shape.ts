import { HoldfastError } from "./error.ts";
import { nearest } from "./nearest.ts";

/**
 * Small parsers for untrusted data (configuration, journal rows, command-line JSON). Each names the field by its path and
 * says what would be right.
 */
export type Fields = { readonly [key: string]: unknown };

function wrong(path: string, expected: string, value: unknown): HoldfastError {
  const shown = JSON.stringify(value) ?? String(value);
  return new HoldfastError("config", `${path}: expected ${expected}, found ${shown.slice(0, 80)}`);
}

/** An object with no keys but the known ones; an unknown key is an error that names the nearest known one. */
export function fieldsOf(value: unknown, path: string, known: readonly string[]): Fields {
  const fields = mapOf(value, path);
  for (const key of Object.keys(fields)) {
    if (known.includes(key)) continue;
    const guess = nearest(key, known);
    throw new HoldfastError(
      "config",
      `${path === "" ? key : `${path}.${key}`}: unknown key${guess === null ? `; known here: ${known.join(", ")}` : `; did you mean ${guess}?`}`,
    );
  }
  return fields;
}

/** An object whose keys are names the user chose. */
export function mapOf(value: unknown, path: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(path || "the file", "a mapping", value);
  return value as Fields;
}

/** The entry of that name, or undefined. Never what every object inherits: `constructor` is a name that a user may write. */
export function entryOf<T>(entries: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

export function textOf(value: unknown, path: string): string {
  if (typeof value !== "string" || value === "") throw wrong(path, "a text", value);
  return value;
}

export function optionalText(value: unknown, path: string): string | null {
  return value === undefined || value === null ? null : textOf(value, path);
}

export function booleanOf(value: unknown, path: string): boolean {
  if (typeof value !== "boolean") throw wrong(path, "true or false", value);
  return value;
}

export function oneOf<T extends string>(value: unknown, path: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) {
    const guess = typeof value === "string" ? nearest(value, choices) : null;
    throw wrong(path, `one of ${choices.join(", ")}${guess === null ? "" : ` (did you mean ${guess}?)`}`, value);
  }
  return found;
}
