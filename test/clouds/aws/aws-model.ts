/** Holds every recorded call and its answer against the vendor's model: names, required members, types, enums, bounds, patterns. */
import { parseXml, type XmlNode } from "../s3-fake-xml.ts";
import type { AwsExchange } from "./exchange.ts";
import { loadModel, type Model, venvOnly } from "./model.ts";
import { checkForm } from "./model-form.ts";
import { checkJson, isObject } from "./model-json.ts";
import type { Say } from "./model-leaf.ts";
import { checkRestReply, checkRestRequest } from "./model-rest.ts";
import { checkChildren } from "./model-xml.ts";
import { formTree } from "./wire-query.ts";

/** Every difference as a sentence. A service without a model is one, except those of `venvOnly`: see notValidated. */
export async function differencesOf(exchanges: readonly AwsExchange[]): Promise<readonly string[]> {
  const out = new Set<string>();
  for (const exchange of exchanges) {
    const model = await loadModel(exchange.service);
    if (model === null) {
      if (!venvOnly.has(exchange.service)) out.add(`${exchange.service}: there is no model here (HOLDFAST_SPECS), its calls were not validated`);
    } else if (exchange.body === null) out.add(`${exchange.service}: bodies were not kept, its calls were not validated`);
    else for (const difference of differences(model, exchange)) out.add(difference);
  }
  return [...out];
}

/** Services that were called and whose model is neither in the specifications nor in the test venv. */
export async function notValidated(exchanges: readonly AwsExchange[]): Promise<readonly string[]> {
  const called = [...new Set(exchanges.map((e) => e.service))];
  const models = await Promise.all(called.map(loadModel));
  return called.filter((_, i) => models[i] === null);
}

export function differences(model: Model, exchange: AwsExchange): readonly string[] {
  const out: string[] = [];
  const name = `${exchange.service}:${exchange.operation}`;
  const operation = model.operations[exchange.operation];
  if (operation === undefined) return [`${name}: the model has no such operation`];
  const inRequest: Say = (text) => void out.push(`${name} request: ${text}`);
  const inReply: Say = (text) => void out.push(`${name} reply: ${text}`);
  // What is wrong with a request that the service itself refused as wrong is what its test is about.
  if (!isRefusedAsWrong(exchange)) checkRequest(model, exchange, inRequest);
  if (exchange.status >= 300) checkRefusal(model, exchange, inReply);
  else if (exchange.status > 0) checkReply(model, exchange, inReply);
  return out;
}

function isRefusedAsWrong({ status, code }: AwsExchange): boolean {
  return status === 400 && code !== null && /^Validation|^Invalid/.test(code);
}

function checkRequest(model: Model, exchange: AwsExchange, say: Say): void {
  const input = model.operations[exchange.operation]?.input;
  switch (exchange.protocol) {
    case "ec2":
    case "query": {
      const { Action: _, Version, ...tree } = formTree(exchange.body ?? "");
      if (Version !== model.metadata.apiVersion) say(`Version is ${JSON.stringify(Version)}, not ${model.metadata.apiVersion}`);
      checkForm(model, input, tree, say);
      return;
    }
    case "json": {
      // CloudTrail's model puts a package before the name that the vendor's clients send.
      const target = `${model.metadata.targetPrefix?.replace(/^com\.amazonaws\..*\./, "")}.${exchange.operation}`;
      if (exchange.headers["x-amz-target"] !== target) say(`X-Amz-Target is not ${target}`);
      if (input !== undefined) checkJson(model, input, parsedJson(exchange.body, say), "", say);
      return;
    }
    case "rest-json": {
      checkRestRequest(model, exchange, say);
      return;
    }
    default: {
      exchange.protocol satisfies never;
      return;
    }
  }
}

function checkReply(model: Model, exchange: AwsExchange, say: Say): void {
  const output = model.operations[exchange.operation]?.output;
  switch (exchange.protocol) {
    case "ec2": {
      const root = parsedXml(exchange, `${exchange.operation}Response`, say);
      const rest = root?.children.filter((c) => c.name !== "requestId" && !(output === undefined && c.name === "return")) ?? [];
      if (output !== undefined) checkChildren(model, output, rest, "", say);
      else if (rest.length > 0) say("has elements where the model has no output");
      return;
    }
    case "query": {
      const root = parsedXml(exchange, `${exchange.operation}Response`, say);
      const result = root?.children.find((c) => c.name === output?.resultWrapper);
      const known = new Set([output?.resultWrapper, "ResponseMetadata"]);
      for (const child of root?.children ?? []) if (!known.has(child.name)) say(`<${child.name}> stands beside the result`);
      if (output !== undefined && result === undefined) say(`<${output.resultWrapper}> is missing`);
      else if (output !== undefined && result !== undefined) checkChildren(model, output, result.children, "", say);
      return;
    }
    case "json":
      if (output !== undefined) checkJson(model, output, parsedJson(exchange.answerBody, say), "", say);
      else if ((exchange.answerBody ?? "") !== "") say("has a body where the model has no output");
      return;
    case "rest-json": {
      checkRestReply(model, exchange, say);
      return;
    }
    default: {
      exchange.protocol satisfies never;
      return;
    }
  }
}

/** A refusal's code need not be modelled (every service has common ones); if it is, its status and its members are. */
function checkRefusal(model: Model, exchange: AwsExchange, say: Say): void {
  const [name, shape] = Object.entries(model.shapes).find(([key, s]) => s.exception === true && (s.error?.code ?? key) === exchange.code) ?? [];
  if (name === undefined || shape === undefined || exchange.protocol === "ec2" || exchange.protocol === "query") return;
  const body = parsedJson(exchange.answerBody, say);
  if (!isObject(body)) return;
  // The text of an error is the protocol's own and often not in its shape; its spelling is not the model's either.
  const { __type: _, message: _text, ...members } = body;
  checkJson(model, { shape: name }, members, name, say);
  const status = shape.error?.httpStatusCode ?? 400;
  if (exchange.protocol === "rest-json" && exchange.status !== status) say(`${name} has the status ${exchange.status}, not ${status}`);
}

function parsedXml(exchange: AwsExchange, root: string, say: Say): XmlNode | null {
  try {
    const node = parseXml(exchange.answerBody ?? "");
    if (node.name !== root) say(`<${node.name}> stands where the model has <${root}>`);
    return node;
  } catch (error) {
    say(`it is not XML: ${String(error)}`);
    return null;
  }
}

function parsedJson(body: string | null, say: Say): unknown {
  try {
    return JSON.parse(body ?? "");
  } catch {
    say("it is not JSON");
    return {};
  }
}
