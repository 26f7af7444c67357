import type { Shape } from "./model.ts";

export type Say = (text: string) => void;

/** A leaf as text of a form, of XML, of a header: its type is in the model only. */
export function checkText(shape: Shape, text: string, path: string, say: Say): void {
  switch (shape.type) {
    case "boolean":
      if (text !== "true" && text !== "false") say(`${path} is ${JSON.stringify(text)}, not a boolean`);
      return;
    case "integer":
    case "long":
      if (!/^-?\d+$/.test(text)) say(`${path} is ${JSON.stringify(text)}, not a whole number`);
      else checkBounds(shape, Number(text), path, say);
      return;
    case "float":
    case "double":
      if (text === "" || Number.isNaN(Number(text))) say(`${path} is ${JSON.stringify(text)}, not a number`);
      return;
    case "timestamp":
      if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(Date.parse(text))) say(`${path} is ${JSON.stringify(text)}, not a date`);
      return;
    case "blob":
      if (!isBase64(text)) say(`${path} is not base64`);
      return;
    default:
      checkString(shape, text, path, say);
  }
}

/** A leaf of JSON. */
export function checkJsonLeaf(shape: Shape, value: unknown, path: string, say: Say): void {
  const wanted = { boolean: "boolean", integer: "number", long: "number", float: "number", double: "number", timestamp: "number" }[shape.type] ?? "string";
  const form = shape.type === "timestamp" && shape.timestampFormat === "iso8601" ? "string" : wanted;
  if (typeof value !== form) {
    say(`${path} is ${JSON.stringify(value)}, not a ${shape.type}`);
    return;
  }
  if (typeof value === "number") {
    if ((shape.type === "integer" || shape.type === "long") && !Number.isInteger(value)) say(`${path} is ${value}, not a whole number`);
    if (shape.type !== "timestamp") checkBounds(shape, value, path, say);
  } else if (typeof value === "string") {
    if (shape.type === "blob" || form !== wanted) checkText(shape, value, path, say);
    else checkString(shape, value, path, say);
  }
}

export function checkCount(shape: Shape, count: number, path: string, say: Say): void {
  if (shape.min !== undefined && count < shape.min) say(`${path} has ${count} members, fewer than ${shape.min}`);
  if (shape.max !== undefined && count > shape.max) say(`${path} has ${count} members, more than ${shape.max}`);
}

function checkBounds(shape: Shape, value: number, path: string, say: Say): void {
  if (shape.min !== undefined && value < shape.min) say(`${path} is ${value}, less than ${shape.min}`);
  if (shape.max !== undefined && value > shape.max) say(`${path} is ${value}, more than ${shape.max}`);
}

function checkString(shape: Shape, text: string, path: string, say: Say): void {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  if (shape.enum !== undefined && !shape.enum.includes(text)) say(`${path} is ${shown}, none of ${shape.enum.slice(0, 20).join(", ")}`);
  if (shape.min !== undefined && text.length < shape.min) say(`${path} is ${shown}, shorter than ${shape.min}`);
  if (shape.max !== undefined && text.length > shape.max) say(`${path} is ${shown}, longer than ${shape.max}`);
  if (shape.pattern === undefined) return;
  const pattern = compiled(shape.pattern);
  if (pattern === null) say(`${path}: the model's pattern ${shape.pattern} is not one that can be checked here`);
  else if (!pattern.test(text)) say(`${path} is ${shown}, which is not ${shape.pattern}`);
}

const patterns = new Map<string, RegExp | null>();

function compiled(source: string): RegExp | null {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    pattern = build(source, "u") ?? build(source, "");
    patterns.set(source, pattern);
  }
  return pattern;
}

function build(source: string, flags: string): RegExp | null {
  try {
    return new RegExp(`^(?:${source})$`, flags);
  } catch {
    return null;
  }
}

function isBase64(text: string): boolean {
  const bare = text.replaceAll(/\s/g, "");
  return Buffer.from(bare, "base64").toString("base64") === bare;
}
