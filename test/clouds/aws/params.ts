import { AwsRefusal, type Params } from "./service.ts";

/** A leaf as text; null where it is not there. Numbers and booleans of JSON are written out. */
export function textOf(params: Params, name: string): string | null {
  const value = params[name];
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}

export function requiredText(params: Params, name: string): string {
  const value = textOf(params, name);
  if (value === null) throw new AwsRefusal("MissingParameter", `The request must contain the parameter ${name}`);
  return value;
}

/** A list of leaves; empty where it is not there. */
export function textsOf(params: Params, name: string): readonly string[] {
  const value = params[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** A list of structures; empty where it is not there. */
export function itemsOf(params: Params, name: string): readonly Params[] {
  const value = params[name];
  return Array.isArray(value) ? value.filter(isParams) : [];
}

/** A structure; null where it is not there. */
export function partOf(params: Params, name: string): Params | null {
  const value = params[name];
  return isParams(value) ? value : null;
}

export function flagOf(params: Params, name: string): boolean | null {
  const value = textOf(params, name);
  return value === null ? null : value === "true";
}

export function numberOf(params: Params, name: string): number | null {
  const value = textOf(params, name);
  return value === null ? null : Number(value);
}

function isParams(value: unknown): value is Params {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
