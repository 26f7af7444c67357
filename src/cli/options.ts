import { HoldfastError } from "../core/error.ts";

/** Options as commander gives them. */
export type Options = Readonly<Record<string, string | string[] | boolean | undefined>>;

export function optionText(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

export function optionList(options: Options, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value : [];
}

export function optionChoice<T extends string>(options: Options, name: string, choices: readonly T[], otherwise: T): T {
  const value = optionText(options, name);
  if (value === undefined) return otherwise;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new HoldfastError("usage", `--${name}: ${JSON.stringify(value)} is none of ${choices.join(", ")}`);
  return found;
}
