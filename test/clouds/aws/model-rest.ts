import type { AwsExchange } from "./exchange.ts";
import type { Model, Reference } from "./model.ts";
import { checkMembers, isObject } from "./model-json.ts";
import { checkText, type Say } from "./model-leaf.ts";

/** Headers of SigV4 and of the SDK, which no operation models. */
const framing = new Set(["x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent", "x-amzn-requestid", "x-amzn-errortype"]);

type Places = {
  readonly at: (location: string) => ReadonlyMap<string, { readonly name: string; readonly member: Reference }>;
  readonly body: Readonly<Record<string, Reference>>;
};

function placesOf(model: Model, reference: Reference | undefined): Places {
  const members = Object.entries((reference === undefined ? undefined : model.shapes[reference.shape])?.members ?? {});
  return {
    at: (location) =>
      new Map(members.filter(([, m]) => m.location === location).map(([name, member]) => [(member.locationName ?? name).toLowerCase(), { name, member }])),
    body: Object.fromEntries(members.filter(([, m]) => m.location === undefined)),
  };
}

export function checkRestRequest(model: Model, exchange: AwsExchange, say: Say): void {
  const operation = model.operations[exchange.operation];
  if (operation === undefined) return;
  const { method, requestUri } = operation.http;
  const shape = operation.input === undefined ? undefined : model.shapes[operation.input.shape];
  const required = new Set(shape?.required);
  const places = placesOf(model, operation.input);
  const text = (reference: Reference, value: string, what: string): void => {
    const leaf = model.shapes[reference.shape];
    if (leaf === undefined) say(`${what}: the model has no shape ${reference.shape}`);
    else checkText(leaf, value, what, say);
  };
  if (exchange.method !== method) say(`the method is ${exchange.method}, not ${method}`);
  const given = exchange.path.split("/");
  const modelled = (requestUri.split("?")[0] ?? "").split("/");
  if (given.length !== modelled.length) say(`the path ${exchange.path} is not ${requestUri}`);
  modelled.forEach((part, i) => {
    const name = /^\{(\w+)\+?\}$/.exec(part)?.[1];
    const known = name === undefined ? undefined : places.at("uri").get(name.toLowerCase());
    if (known !== undefined) text(known.member, decodeURIComponent(given[i] ?? ""), `path ${name}`);
    else if (part !== given[i]) say(`the path ${exchange.path} is not ${requestUri}`);
  });
  const query = new URLSearchParams(exchange.query);
  for (const [name, value] of query) {
    const known = places.at("querystring").get(name.toLowerCase());
    if (known === undefined) say(`query ${name} is not modelled`);
    else text(known.member, value, `query ${name}`);
  }
  for (const [name, known] of places.at("querystring")) {
    if (required.has(known.name) && ![...query.keys()].some((q) => q.toLowerCase() === name)) say(`query ${name} is required`);
  }
  const headers = places.at("header");
  for (const [name, value] of Object.entries(exchange.headers)) {
    const known = headers.get(name);
    if (known !== undefined) text(known.member, value, `header ${name}`);
    else if (name.startsWith("x-amz") && !framing.has(name)) say(`header ${name} is not modelled`);
  }
  for (const [name, known] of headers) if (required.has(known.name) && exchange.headers[name] === undefined) say(`header ${name} is required`);
  if (shape?.payload !== undefined) return; // the payload's bytes are not kept
  const body = (exchange.body ?? "") === "" ? {} : jsonOf(exchange.body ?? "", say);
  if (shape !== undefined) checkMembers(model, shape, places.body, body, "", say);
}

export function checkRestReply(model: Model, exchange: AwsExchange, say: Say): void {
  const output = model.operations[exchange.operation]?.output;
  const shape = output === undefined ? undefined : model.shapes[output.shape];
  const places = placesOf(model, output);
  const headers = places.at("header");
  for (const [name, value] of Object.entries(exchange.answerHeaders)) {
    const known = headers.get(name.toLowerCase());
    const leaf = known === undefined ? undefined : model.shapes[known.member.shape];
    if (leaf !== undefined) checkText(leaf, value, `header ${name}`, say);
    else if (name.toLowerCase().startsWith("x-amz") && !framing.has(name.toLowerCase())) say(`header ${name} is not modelled`);
  }
  const lower = new Set(Object.keys(exchange.answerHeaders).map((name) => name.toLowerCase()));
  for (const [name, known] of headers) if (shape?.required?.includes(known.name) === true && !lower.has(name)) say(`header ${name} is required`);
  if (shape?.payload !== undefined || shape === undefined) return;
  checkMembers(model, shape, places.body, jsonOf(exchange.answerBody ?? "", say), "", say);
}

function jsonOf(text: string, say: Say): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
    say("the body is no JSON object");
  } catch {
    say("the body is not JSON");
  }
  return {};
}
