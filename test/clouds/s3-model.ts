/**
 * Holds what goes over the wire against AWS's own model of S3 (botocore's service-2.json, rest-xml): names of headers, query
 * and elements, required members, enums, whole numbers, booleans and dates. The model is not part of the project: it is looked
 * for under HOLDFAST_SPECS, else ../shared/specs beside the project.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { S3Exchange } from "./s3-fake.ts";
import { parseXml, type XmlNode } from "./s3-fake-xml.ts";

type Reference = { readonly shape: string; readonly location?: string; readonly locationName?: string; readonly xmlAttribute?: boolean };
type Shape = {
  readonly type: string;
  readonly members?: Readonly<Record<string, Reference>>;
  readonly member?: Reference;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly payload?: string;
  readonly flattened?: boolean;
};
type Operation = {
  readonly http: { readonly method: string; readonly requestUri: string };
  readonly input?: Reference;
  readonly output?: Reference;
  readonly httpChecksum?: { readonly requestAlgorithmMember?: string; readonly requestChecksumRequired?: boolean };
};
export type S3Model = { readonly operations: Readonly<Record<string, Operation>>; readonly shapes: Readonly<Record<string, Shape>> };

export function specsFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return environment["HOLDFAST_SPECS"] ?? join(import.meta.dirname, "..", "..", "..", "shared", "specs");
}

/** null where the model is not there. */
export async function loadS3Model(specs: string): Promise<S3Model | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(specs, "aws", "botocore-1.44.5", "s3", "2006-03-01", "service-2.json.gz"));
  } catch {
    return null;
  }
  const model: unknown = JSON.parse(gunzipSync(bytes).toString("utf8"));
  if (!isModel(model)) throw new TypeError("the S3 model is not a botocore service model");
  return model;
}

function isModel(value: unknown): value is S3Model {
  return typeof value === "object" && value !== null && "operations" in value && "shapes" in value;
}

/** Every difference as a sentence; nothing where all is as modelled. Refusals are only looked at on the request's side. */
export function differences(model: S3Model, exchange: S3Exchange): readonly string[] {
  const operation = model.operations[exchange.operation];
  if (operation === undefined) return [`${exchange.operation}: the model has no such operation`];
  const out: string[] = [];
  const say = (text: string): void => void out.push(`${exchange.operation}: ${text}`);
  checkRequest(model, operation, exchange, say);
  if (exchange.status < 300) checkAnswer(model, operation, exchange, say);
  return out;
}

/** Headers of SigV4, of the SDK and of aws-chunked framing, which no operation models. */
const framing = new Set(["x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent", "x-amz-trailer", "x-amz-decoded-content-length"]);

function checkRequest(model: S3Model, operation: Operation, exchange: S3Exchange, say: (text: string) => void): void {
  const shape = operation.input === undefined ? null : (model.shapes[operation.input.shape] ?? null);
  const members = Object.entries(shape?.members ?? {});
  const named = (location: string): Map<string, Reference> =>
    new Map(members.filter(([, m]) => m.location === location).map(([name, m]) => [(m.locationName ?? name).toLowerCase(), m]));
  const query = named("querystring");
  const fixed = new URLSearchParams(operation.http.requestUri.split("?")[1] ?? "");
  for (const [name, value] of exchange.query) {
    if (name === "x-id" || fixed.has(name)) continue;
    const member = query.get(name.toLowerCase());
    if (member === undefined) say(`query ${name} is not modelled`);
    else checkText(model, member, value, `query ${name}`, say);
  }
  const headers = named("header");
  const prefixes = [...named("headers").keys()];
  const summed = operation.httpChecksum?.requestAlgorithmMember !== undefined;
  const proofs = Object.keys(exchange.headers).filter((name) => name.startsWith("x-amz-checksum-") || name === "x-amz-trailer" || name === "content-md5");
  if (operation.httpChecksum?.requestChecksumRequired === true && proofs.length === 0) say("a checksum of the request is required");
  for (const [name, value] of Object.entries(exchange.headers)) {
    if (summed && proofs.includes(name)) continue;
    const member = headers.get(name);
    if (member !== undefined) checkText(model, member, value, name, say);
    else if (name.startsWith("x-amz-") && !framing.has(name) && !prefixes.some((p) => name.startsWith(p))) say(`request header ${name} is not modelled`);
  }
  for (const required of shape?.required ?? []) {
    const member = shape?.members?.[required];
    const name = (member?.locationName ?? required).toLowerCase();
    if (member?.location === "querystring" && ![...exchange.query.keys()].some((q) => q.toLowerCase() === name)) say(`query ${name} is required`);
    if (member?.location === "header" && exchange.headers[name] === undefined) say(`request header ${name} is required`);
  }
  const payload = shape?.payload === undefined ? undefined : shape.members?.[shape.payload];
  if (exchange.xml === null) return;
  const tree = parsed(exchange.xml, "the request", say);
  if (tree === null) return;
  if (payload === undefined) {
    say("the request has a body and the model has none");
    return;
  }
  checkName(tree, payload.locationName ?? shape?.payload ?? "", say);
  checkTree(model, payload, tree, `<${tree.name}>`, say);
}

function checkAnswer(model: S3Model, operation: Operation, exchange: S3Exchange, say: (text: string) => void): void {
  const shape = operation.output === undefined ? null : (model.shapes[operation.output.shape] ?? null);
  const members = Object.entries(shape?.members ?? {});
  const headers = new Map(members.filter(([, m]) => m.location === "header").map(([name, m]) => [(m.locationName ?? name).toLowerCase(), m]));
  const prefixes = members.filter(([, m]) => m.location === "headers").map(([, m]) => (m.locationName ?? "").toLowerCase());
  for (const [name, value] of Object.entries(exchange.answerHeaders)) {
    const member = headers.get(name);
    if (member !== undefined) checkText(model, member, value, `answer's ${name}`, say);
    else if (name.startsWith("x-amz-") && !prefixes.some((p) => name.startsWith(p))) say(`answer's header ${name} is not modelled`);
  }
  if (exchange.answerXml === null) return;
  const tree = parsed(exchange.answerXml, "the answer", say);
  if (tree === null) return;
  if (shape === null) {
    say("the answer has a body and the model has none");
    return;
  }
  const payload = shape.payload === undefined ? undefined : shape.members?.[shape.payload];
  if (payload !== undefined) {
    checkName(tree, payload.locationName ?? shape.payload ?? "", say);
    checkTree(model, payload, tree, `<${tree.name}>`, say);
    return;
  }
  checkMembers(model, Object.fromEntries(members.filter(([, m]) => m.location === undefined)), [], tree, `<${tree.name}>`, say);
}

function parsed(text: string, whose: string, say: (text: string) => void): XmlNode | null {
  try {
    return parseXml(text);
  } catch (error) {
    say(`${whose} is not XML: ${String(error)}`);
    return null;
  }
}

function checkName(tree: XmlNode, expected: string, say: (text: string) => void): void {
  if (tree.name !== expected) say(`<${tree.name}> stands where the model has <${expected}>`);
}

function checkTree(model: S3Model, reference: Reference, node: XmlNode, path: string, say: (text: string) => void): void {
  const shape = model.shapes[reference.shape];
  if (shape === undefined) say(`${path}: the model has no shape ${reference.shape}`);
  else if (shape.type === "structure") checkMembers(model, shape.members ?? {}, shape.required ?? [], node, path, say);
  else if (shape.type !== "list" || shape.member === undefined) {
    if (node.children.length > 0) say(`${path} has elements and is a ${shape.type}`);
    checkText(model, reference, node.text, path, say);
  } else if (shape.flattened === true) checkTree(model, shape.member, node, path, say);
  else {
    for (const child of node.children) {
      checkName(child, shape.member.locationName ?? "member", say);
      checkTree(model, shape.member, child, `${path}<${child.name}>`, say);
    }
  }
}

function checkMembers(
  model: S3Model,
  members: Readonly<Record<string, Reference>>,
  required: readonly string[],
  node: XmlNode,
  path: string,
  say: (text: string) => void,
): void {
  const byName = new Map(Object.entries(members).map(([name, m]) => [m.locationName ?? name, m]));
  const seen = new Set<string>();
  for (const child of node.children) {
    const member = byName.get(child.name);
    const shape = member === undefined ? undefined : model.shapes[member.shape];
    if (member === undefined) say(`${path}<${child.name}> is not modelled`);
    else checkTree(model, member, child, `${path}<${child.name}>`, say);
    if (seen.has(child.name) && !(shape?.type === "list" && shape.flattened === true)) say(`${path}<${child.name}> stands there twice`);
    seen.add(child.name);
  }
  for (const name of required) if (!seen.has(members[name]?.locationName ?? name)) say(`${path}<${name}> is required`);
}

function checkText(model: S3Model, reference: Reference, text: string, what: string, say: (text: string) => void): void {
  const shape = model.shapes[reference.shape];
  const value = text.trim();
  // Lists in headers are joined by commas.
  if (shape?.type === "list" && shape.member !== undefined) {
    for (const item of value.split(",")) checkText(model, shape.member, item, what, say);
    return;
  }
  if (shape?.enum !== undefined && !shape.enum.includes(value)) say(`${what} is ${JSON.stringify(value)}, none of ${shape.enum.join(", ")}`);
  if ((shape?.type === "integer" || shape?.type === "long") && !/^-?\d+$/.test(value)) say(`${what} is ${JSON.stringify(value)}, not a whole number`);
  if (shape?.type === "boolean" && value !== "true" && value !== "false") say(`${what} is ${JSON.stringify(value)}, not a boolean`);
  if (shape?.type === "timestamp" && Number.isNaN(Date.parse(value))) say(`${what} is ${JSON.stringify(value)}, not a date`);
}
