import type { Model, Reference, Shape } from "./model.ts";
import { checkCount, checkText, type Say } from "./model-leaf.ts";
import type { formTree } from "./wire-query.ts";

type Tree = ReturnType<typeof formTree>;

/** A form body of the ec2 or query protocol, held against the shape of the operation's input. */
export function checkForm(model: Model, reference: Reference | undefined, tree: Tree, say: Say): void {
  const shape = reference === undefined ? { type: "structure" } : model.shapes[reference.shape];
  if (shape === undefined) say(`the model has no shape ${reference?.shape}`);
  else structure(model, shape, tree, "", say);
}

function structure(model: Model, shape: Shape, tree: Tree, path: string, say: Say): void {
  const byName = new Map(Object.entries(shape.members ?? {}).map(([name, member]) => [wireName(model, name, member), { name, member }]));
  for (const [name, value] of Object.entries(tree)) {
    const known = byName.get(name);
    if (known === undefined) say(`${path}${name} is not modelled`);
    else check(model, known.member, value, `${path}${name}`, say);
  }
  for (const [name, known] of byName) if (shape.required?.includes(known.name) === true && tree[name] === undefined) say(`${path}${name} is required`);
}

function wireName(model: Model, name: string, member: Reference): string {
  if (model.metadata.protocol === "ec2") {
    if (member.queryName !== undefined) return member.queryName;
    const given = member.locationName ?? name;
    return given.slice(0, 1).toUpperCase() + given.slice(1);
  }
  const shape = model.shapes[member.shape];
  const flat = shape?.type === "list" && shape.flattened === true ? shape.member?.locationName : undefined;
  return flat ?? member.locationName ?? name;
}

function check(model: Model, reference: Reference, value: Tree | string, path: string, say: Say): void {
  const shape = model.shapes[reference.shape];
  if (shape === undefined) {
    say(`${path}: the model has no shape ${reference.shape}`);
    return;
  }
  switch (shape.type) {
    case "structure": {
      typeof value === "string" ? say(`${path} is text and no structure`) : structure(model, shape, value, `${path}.`, say);
      return;
    }
    case "list": {
      list(model, shape, value, path, say);
      return;
    }
    case "map": {
      map(model, shape, value, path, say);
      return;
    }
    default: {
      typeof value === "string" ? checkText(shape, value, path, say) : say(`${path} is a structure and no ${shape.type}`);
      return;
    }
  }
}

function list(model: Model, shape: Shape, value: Tree | string, path: string, say: Say): void {
  // The query protocol writes an empty list as `Name=`.
  if (value === "" && model.metadata.protocol === "query") return;
  if (typeof value === "string" || shape.member === undefined) {
    say(`${path} is text and no list`);
    return;
  }
  const step = shape.member.locationName ?? "member";
  const flat = model.metadata.protocol === "ec2" || shape.flattened === true;
  const inside = flat ? value : value[step];
  if (inside === undefined || typeof inside === "string") {
    say(`${path} has no ${step} in it`);
    return;
  }
  const items = Object.entries(inside);
  items.forEach(([index, item], i) => {
    if (index !== String(i + 1)) say(`${path}.${index} stands where ${path}.${i + 1} is expected`);
    if (shape.member !== undefined) check(model, shape.member, item, `${path}.${index}`, say);
  });
  checkCount(shape, items.length, path, say);
}

function map(model: Model, shape: Shape, value: Tree | string, path: string, say: Say): void {
  const entries = typeof value === "string" ? undefined : shape.flattened === true ? value : value["entry"];
  if (entries === undefined || typeof entries === "string") {
    say(`${path} is no map`);
    return;
  }
  for (const [index, entry] of Object.entries(entries)) {
    const key = typeof entry === "string" ? undefined : entry[shape.key?.locationName ?? "key"];
    const held = typeof entry === "string" ? undefined : entry[shape.value?.locationName ?? "value"];
    if (key === undefined || held === undefined || shape.key === undefined || shape.value === undefined) say(`${path}.${index} is no entry of a map`);
    else {
      check(model, shape.key, key, `${path}.${index}.key`, say);
      check(model, shape.value, held, `${path}.${index}.value`, say);
    }
  }
}
