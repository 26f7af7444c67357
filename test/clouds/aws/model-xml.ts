import type { XmlNode } from "../s3-fake-xml.ts";
import type { Model, Reference } from "./model.ts";
import { checkCount, checkText, type Say } from "./model-leaf.ts";

/** An element of an ec2 or query reply held against a shape. */
export function checkXml(model: Model, reference: Reference, node: XmlNode, path: string, say: Say): void {
  const shape = model.shapes[reference.shape];
  if (shape === undefined) {
    say(`${path}: the model has no shape ${reference.shape}`);
    return;
  }
  switch (shape.type) {
    case "structure": {
      checkChildren(model, reference, node.children, path, say);
      return;
    }
    case "list": {
      if (shape.member === undefined) return;
      const step = shape.member.locationName ?? "member";
      for (const child of node.children) {
        if (child.name !== step) say(`${path} holds <${child.name}> where the model has <${step}>`);
        else checkXml(model, shape.member, child, `${path}/${child.name}`, say);
      }
      checkCount(shape, node.children.length, path, say);
      return;
    }
    case "map":
      for (const entry of node.children) {
        const [key, value] = [shape.key, shape.value].map((part, i) => ({ part, name: part?.locationName ?? (i === 0 ? "key" : "value") }));
        for (const want of [key, value]) {
          const child = entry.children.find((c) => c.name === want?.name);
          if (child === undefined || want?.part === undefined) say(`${path}/${entry.name} is no entry of a map`);
          else checkXml(model, want.part, child, `${path}/${child.name}`, say);
        }
      }
      return;
    default:
      if (node.children.length > 0) say(`${path} has elements and is a ${shape.type}`);
      else checkText(shape, shape.type === "string" ? node.text : node.text.trim(), path, say);
  }
}

/** The elements of a structure, among which a protocol may put its own (`requestId`): those are taken out before. */
export function checkChildren(model: Model, reference: Reference, children: readonly XmlNode[], path: string, say: Say): void {
  const shape = model.shapes[reference.shape];
  const byName = new Map(Object.entries(shape?.members ?? {}).map(([name, member]) => [member.locationName ?? name, { name, member }]));
  const seen = new Set<string>();
  for (const child of children) {
    const known = byName.get(child.name);
    const flat = known !== undefined && model.shapes[known.member.shape]?.flattened === true;
    if (known === undefined) say(`${path}/${child.name} is not modelled`);
    else if (flat) checkFlat(model, known.member, child, `${path}/${child.name}`, say);
    else checkXml(model, known.member, child, `${path}/${child.name}`, say);
    if (seen.has(child.name) && !flat) say(`${path}/${child.name} stands there twice`);
    seen.add(child.name);
  }
  for (const [name, known] of byName) if (shape?.required?.includes(known.name) === true && !seen.has(name)) say(`${path}/${name} is required`);
}

function checkFlat(model: Model, reference: Reference, node: XmlNode, path: string, say: Say): void {
  const member = model.shapes[reference.shape]?.member;
  if (member !== undefined) checkXml(model, member, node, path, say);
}
