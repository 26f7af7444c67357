/**
 * What the fault proxy and the lying proxy share: an HTTP proxy between an SDK and any S3 server. The client's Host header goes
 * on unchanged, since SigV4 signs it; bodies stream both ways and are never held.
 */
import { createServer, Agent, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { type OperationName, recognize } from "./s3-fake-operations.ts";

export type ProxyOperation = OperationName | "unknown";

export type Exchange = {
  readonly operation: ProxyOperation;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** Sends the request on, with another body where one is given (same length), and resolves with the answer's head. */
  readonly forward: (body?: AsyncIterable<Buffer>) => Promise<IncomingMessage>;
};

export type S3Proxy = {
  readonly url: string;
  /** Every request in the order of its arrival. */
  readonly seen: readonly { readonly operation: ProxyOperation; readonly key: string; readonly query: string }[];
  stop(): Promise<void>;
};

export async function startProxy(upstream: string, handle: (exchange: Exchange) => Promise<void>): Promise<S3Proxy> {
  const target = new URL(upstream);
  // A connection a request: a kept one that the server just closed would be a fault that nobody asked for.
  const agent = new Agent({ keepAlive: false });
  const seen: { operation: ProxyOperation; key: string; query: string }[] = [];
  const server = createServer((message, response) => {
    const url = new URL(message.url ?? "/", upstream);
    const known = recognize(message.method ?? "", url);
    const { operation, bucket, key } = typeof known === "string" ? { operation: "unknown" as const, bucket: "", key: "" } : known;
    seen.push({ operation, key, query: url.search });
    const forward = (body?: AsyncIterable<Buffer>): Promise<IncomingMessage> => sendOn(target, agent, message, response, body ?? message);
    handle({ operation, bucket, key, query: url.searchParams, message, response, forward }).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          agent.destroy();
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

const hopByHop = new Set(["connection", "keep-alive", "expect", "proxy-connection", "te", "upgrade"]);

function sendOn(target: URL, agent: Agent, message: IncomingMessage, response: ServerResponse, body: AsyncIterable<Buffer>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers: string[] = [];
    for (let i = 0; i + 1 < message.rawHeaders.length; i += 2) {
      const [name = "", value = ""] = message.rawHeaders.slice(i, i + 2);
      if (!hopByHop.has(name.toLowerCase())) headers.push(name, value);
    }
    const on = request({ host: target.hostname, port: target.port, method: message.method, path: message.url, headers, agent, setHost: false });
    let answered = false;
    on.once("response", (answer) => {
      answered = true;
      resolve(answer);
    });
    on.once("error", reject);
    response.once("close", () => {
      if (!response.writableFinished) on.destroy();
    });
    pump(body, on, () => answered).catch((error: unknown) => {
      if (answered) return; // an early refusal: the server did not want the rest
      on.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

async function pump(body: AsyncIterable<Buffer>, to: ReturnType<typeof request>, done: () => boolean): Promise<void> {
  for await (const chunk of body) {
    if (to.destroyed || (done() && to.writableEnded)) return;
    if (!to.write(chunk)) await drained(to);
  }
  to.end();
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off("drain", go).off("close", go);
      resolve();
    };
    stream.once("drain", go).once("close", go);
  });
}

/** Gives the server's answer to the client as it is, or with other headers or bytes. */
export async function relay(
  exchange: Exchange,
  answer: IncomingMessage,
  change: {
    readonly headers?: (headers: IncomingHttpHeaders) => IncomingHttpHeaders;
    readonly body?: (body: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;
  } = {},
): Promise<void> {
  const { response, message } = exchange;
  const headers = { ...answer.headers };
  delete headers.connection;
  delete headers["keep-alive"];
  response.sendDate = false;
  response.writeHead(answer.statusCode ?? 502, change.headers?.(headers) ?? headers);
  if (message.method === "HEAD") {
    answer.resume();
    response.end();
    return;
  }
  for await (const chunk of change.body?.(answer) ?? answer) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

export async function bodyText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** An answer that the proxy makes up. The request body is heard out first, so that the answer arrives. */
export async function answerXml(exchange: Exchange, status: number, body: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const { message, response } = exchange;
  if (!message.readableEnded && !message.destroyed) for await (const chunk of message) void chunk;
  const bytes = Buffer.from(exchange.message.method === "HEAD" || status === 204 ? "" : body);
  response.writeHead(status, {
    ...(status === 204 ? {} : { "content-type": "application/xml", "content-length": String(bytes.length) }),
    "x-amz-request-id": "PROXY",
    ...more,
  });
  response.end(bytes);
}
