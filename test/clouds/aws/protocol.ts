/** How each protocol names what is asked, and writes success and refusal. */
import { formParams, formTree } from "./wire-query.ts";
import { writeXml } from "./wire-xml.ts";
import { AwsRefusal, type Params, type Reply, type Service, Unknown } from "./service.ts";

export type Incoming = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type Rendered = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string | Uint8Array };

export function readRequest(service: Service, request: Incoming): { readonly operation: string; readonly params: Params } {
  switch (service.protocol) {
    case "ec2":
    case "query": {
      const tree = formTree(request.body.toString("utf8"));
      const { Action, Version, ...rest } = tree;
      if (typeof Action !== "string") throw new Unknown(`${service.name}: a request without Action`);
      if (Version !== service.version) throw new Unknown(`${service.name}:${Action} of version ${JSON.stringify(Version)}`);
      return { operation: Action, params: formParams(rest) };
    }
    case "json": {
      const target = request.headers["x-amz-target"] ?? "";
      const dot = target.lastIndexOf(".");
      if (target.slice(0, dot) !== service.targetPrefix) throw new Unknown(`${service.name}: X-Amz-Target ${JSON.stringify(target)}`);
      return { operation: target.slice(dot + 1), params: jsonParams(request.body) };
    }
    case "rest-json": {
      const found = service.route?.(request.method, request.path) ?? null;
      if (found === null) throw new Unknown(`${service.name}: ${request.method} ${request.path}`);
      const body = request.body.length > 0 ? jsonParams(request.body) : {};
      return { operation: found.operation, params: { ...body, ...Object.fromEntries(request.query), ...found.names } };
    }
    default:
      return service.protocol satisfies never;
  }
}

function jsonParams(body: Buffer): Params {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new AwsRefusal("SerializationException", "The request body is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new AwsRefusal("SerializationException", "The request body is not an object");
  return { ...value };
}

const xmlHead = '<?xml version="1.0" encoding="UTF-8"?>\n';

export function writeReply(service: Service, operation: string, reply: Reply, requestId: string): Rendered {
  const status = reply.status ?? 200;
  const namespace = ` xmlns="${service.namespace ?? ""}"`;
  const rendered = (type: string, body: string | Uint8Array): Rendered => ({ status, headers: { "content-type": type, ...reply.headers }, body });
  switch (service.protocol) {
    case "ec2":
      return rendered("text/xml;charset=UTF-8", xmlHead + writeXml(`${operation}Response`, { requestId, ...reply.xml }, namespace));
    case "query": {
      const result = reply.xml === undefined ? {} : { [`${operation}Result`]: reply.xml };
      return rendered("text/xml", xmlHead + writeXml(`${operation}Response`, { ...result, ResponseMetadata: { RequestId: requestId } }, namespace));
    }
    case "json":
      return rendered("application/x-amz-json-1.1", reply.json === undefined ? "" : JSON.stringify(reply.json));
    case "rest-json":
      if (reply.bytes !== undefined) return rendered("application/octet-stream", reply.bytes);
      return rendered("application/json", reply.json === undefined ? "" : JSON.stringify(reply.json));
    default:
      return service.protocol satisfies never;
  }
}

export function writeRefusal(service: Service, refusal: AwsRefusal, requestId: string): Rendered {
  const { code, status, message, fields } = refusal;
  switch (service.protocol) {
    case "ec2": {
      const xml = writeXml("Response", { Errors: { Error: { Code: code, Message: message } }, RequestID: requestId });
      return { status, headers: { "content-type": "text/xml;charset=UTF-8" }, body: xmlHead + xml };
    }
    case "query": {
      const error = { Type: status < 500 ? "Sender" : "Receiver", Code: code, Message: message };
      const xml = writeXml("ErrorResponse", { Error: error, RequestId: requestId }, ` xmlns="${service.namespace ?? ""}"`);
      return { status, headers: { "content-type": "text/xml" }, body: xmlHead + xml };
    }
    case "json": {
      const body = JSON.stringify({ __type: code, [messageName(service, code)]: message, ...fields });
      return { status, headers: { "content-type": "application/x-amz-json-1.1" }, body };
    }
    case "rest-json": {
      const body = JSON.stringify({ [messageName(service, code)]: message, ...fields });
      return { status, headers: { "content-type": "application/json", "x-amzn-errortype": code }, body };
    }
    default:
      return service.protocol satisfies never;
  }
}

function messageName({ messageName: name = "message" }: Service, code: string): string {
  return typeof name === "string" ? name : name(code);
}
