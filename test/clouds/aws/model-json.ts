import type { Model, Reference, Shape } from "./model.ts";
import { checkCount, checkJsonLeaf, type Say } from "./model-leaf.ts";

/** A JSON value held against a shape; null members count as absent, as the services write them. */
export function checkJson(model: Model, reference: Reference, value: unknown, path: string, say: Say): void {
  const shape = model.shapes[reference.shape];
  if (shape === undefined) {
    say(`${path}: the model has no shape ${reference.shape}`);
    return;
  }
  switch (shape.type) {
    case "structure": {
      isObject(value) ? checkMembers(model, shape, shape.members ?? {}, value, path, say) : say(`${path} is no structure`);
      return;
    }
    case "list":
      if (!Array.isArray(value)) {
        say(`${path} is no list`);
        return;
      }
      checkCount(shape, value.length, path, say);
      for (const [i, item] of value.entries()) if (shape.member !== undefined) checkJson(model, shape.member, item, `${path}[${i}]`, say);
      return;
    case "map":
      if (!isObject(value)) {
        say(`${path} is no map`);
        return;
      }
      for (const [key, held] of Object.entries(value)) {
        if (shape.key !== undefined) checkJson(model, shape.key, key, `${path} key`, say);
        if (shape.value !== undefined) checkJson(model, shape.value, held, `${path}[${key}]`, say);
      }
      return;
    default: {
      checkJsonLeaf(shape, value, path, say);
      return;
    }
  }
}

/** The members given, which may be part of the shape's: those that travel in the body. */
export function checkMembers(
  model: Model,
  shape: Shape,
  members: Readonly<Record<string, Reference>>,
  value: Readonly<Record<string, unknown>>,
  path: string,
  say: Say,
): void {
  const byName = new Map(Object.entries(members).map(([name, member]) => [member.locationName ?? name, { name, member }]));
  const before = path === "" ? "" : `${path}.`;
  for (const [name, held] of Object.entries(value)) {
    const known = byName.get(name);
    if (known === undefined) say(`${before}${name} is not modelled`);
    else if (held !== null && held !== undefined) checkJson(model, known.member, held, `${before}${name}`, say);
  }
  for (const [name, known] of byName) {
    if (shape.required?.includes(known.name) === true && (value[name] ?? null) === null) say(`${before}${name} is required`);
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
