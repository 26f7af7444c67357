/**
 * One port for all of AWS: a request is routed by the credential scope that signs it (key → account, region, service), S3 goes on
 * to an S3 server, everything else to the services given.
 *
 *     const keys = makeKeyRing([userKey("111122223333", "collector")]);
 *     const fake = await openAwsFake({ keys, services: [ec2Service(world), ebsService(world)], s3Url: s3.url });
 *     new EC2Client({ endpoint: fake.url, region: "eu-west-1", credentials: userKey("111122223333", "collector") });
 *     …
 *     expect(fake.unknown).toEqual([]);
 *     expect(await fake.differences()).toEqual([]);        // requests and replies against the vendor's models
 *     await fake.close();
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { differencesOf, notValidated } from "./aws-model.ts";
import { keyOf, type Scope, scopeOf } from "./credentials.ts";
import type { AwsExchange } from "./exchange.ts";
import { type FaultDesk, type Faults, makeFaults, refusalOf } from "./faults.ts";
import type { FakeKey, KeyRing } from "./key-ring.ts";
import { type Incoming, readRequest, type Rendered, writeRefusal, writeReply } from "./protocol.ts";
import { type S3Pass, s3Pass } from "./s3-pass.ts";
import { AwsRefusal, type Call, type Service, Unknown } from "./service.ts";

export type AwsFakeOptions = {
  readonly services: readonly Service[];
  readonly keys: KeyRing;
  /** Where requests signed for S3 go, as they are. */
  readonly s3Url?: string;
  readonly clock?: () => Date;
  /** How far the server's clock is ahead of `clock`: Date headers and all that it decides by time. */
  readonly clockSkewMs?: number;
  /** false: bodies are not kept, for runs of many calls. differences() then sees nothing and says so. */
  readonly keepBodies?: boolean;
};

export type AwsFake = {
  readonly url: string;
  readonly keys: KeyRing;
  readonly faults: Faults;
  /** Every call in the order of its answer, S3 excepted. */
  readonly exchanges: readonly AwsExchange[];
  /** What was asked and no service here knows, or what a service broke on. A test asserts that this is empty. */
  readonly unknown: readonly string[];
  /** How the calls and their answers differ from the vendor's models (aws-model.ts). A test asserts that this is empty. */
  differences(): Promise<readonly string[]>;
  /** Services that were called and that no model is here for, by name: a test that names them as checked would lie. */
  notValidated(): Promise<readonly string[]>;
  /** Issues a key while it runs, as STS does. */
  registerKey(key: FakeKey): void;
  close(): Promise<void>;
};

type Desk = {
  readonly services: ReadonlyMap<string, Service>;
  readonly keys: KeyRing;
  readonly s3: S3Pass | null;
  readonly now: () => Date;
  readonly faults: FaultDesk;
  readonly exchanges: AwsExchange[];
  readonly unknown: string[];
  readonly keepBodies: boolean;
};

export async function openAwsFake(options: AwsFakeOptions): Promise<AwsFake> {
  const clock = options.clock ?? (() => new Date());
  const skew = options.clockSkewMs ?? 0;
  const desk: Desk = {
    services: new Map(options.services.map((service) => [service.name, service])),
    keys: options.keys,
    s3: options.s3Url === undefined ? null : s3Pass(options.s3Url),
    now: () => new Date(clock().getTime() + skew),
    faults: makeFaults(),
    exchanges: [],
    unknown: [],
    keepBodies: options.keepBodies ?? true,
  };
  const server = createServer((message, response) => {
    serve(desk, message, response).catch((error: unknown) => {
      // A client that went away is no bug of the stand-in; everything else is.
      if (!message.destroyed && !response.destroyed)
        desk.unknown.push(`the stand-in failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      response.destroy();
    });
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0; // an idle connection closed by the server is a fault, and faults are asked for
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the stand-in has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    keys: desk.keys,
    faults: desk.faults,
    exchanges: desk.exchanges,
    unknown: desk.unknown,
    differences: () => differencesOf(desk.exchanges),
    notValidated: () => notValidated(desk.exchanges),
    registerKey: (key) => desk.keys.register(key),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        desk.s3?.close();
      }),
  };
}

async function serve(desk: Desk, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(message.url ?? "/", "http://127.0.0.1");
  const scope = scopeOf(message.headers.authorization, url.searchParams);
  if (scope?.service === "s3" && desk.s3 !== null) return desk.s3.pass(message, response);
  const request: Incoming = {
    method: message.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : (value ?? "")])),
    body: await wholeBody(message),
  };
  const service = desk.services.get(scope?.service ?? "");
  if (scope === null || service === undefined) {
    const what = scope === null ? "a request that nobody signed" : `no service ${scope.service}`;
    return notKnown(desk, response, `${what}: ${request.method} ${request.path} ${request.body.subarray(0, 120).toString("latin1")}`);
  }
  await answer(desk, service, scope, request, response);
}

async function answer(desk: Desk, service: Service, scope: Scope, request: Incoming, response: ServerResponse): Promise<void> {
  const requestId = randomUUID();
  const now = desk.now();
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  let rendered: Rendered | null = null;
  let code: string | null = null;
  let operation = "?";
  let key: FakeKey | null = null;
  let done = false;
  let cut: number | null = null;
  try {
    const read = readRequest(service, request);
    operation = read.operation;
    const run = Object.hasOwn(service.operations, operation) ? service.operations[operation] : undefined;
    if (run === undefined) throw new Unknown(`${service.name}:${operation}`);
    key = keyOf(desk.keys, scope, request.headers["x-amz-security-token"], service.protocol, now);
    const call: Call = {
      service: service.name,
      operation,
      account: key.account,
      caller: key,
      region: scope.region,
      now,
      params: read.params,
      ...request,
      requestId,
      signal: gone.signal,
    };
    const fault = desk.faults.choose(call);
    const wait = desk.faults.latencyMs + (fault?.kind === "delay" ? fault.milliseconds : 0);
    if (wait > 0) await sleep(wait, undefined, { ref: false });
    const refusal = fault === null ? null : refusalOf(fault, service.protocol, call);
    if (refusal !== null) throw refusal;
    if (fault?.kind !== "reset-before") {
      const reply = await run(call);
      done = true;
      if (fault?.kind !== "lost-answer") rendered = writeReply(service, operation, reply, requestId);
      if (fault?.kind === "cut-answer") cut = fault.bytes;
    }
  } catch (error) {
    if (error instanceof Unknown) return notKnown(desk, response, error.message);
    if (!(error instanceof AwsRefusal)) throw error;
    code = error.code;
    rendered = writeRefusal(service, error, requestId);
  }
  const headers = { date: now.toUTCString(), "x-amzn-requestid": requestId, ...rendered?.headers };
  desk.exchanges.push({
    service: service.name,
    protocol: service.protocol,
    operation,
    account: key?.account ?? "",
    accessKeyId: scope.accessKeyId,
    region: scope.region,
    at: now,
    requestId,
    method: request.method,
    path: request.path,
    query: request.query.toString(),
    headers: request.headers,
    body: desk.keepBodies ? request.body.toString("utf8") : null,
    status: rendered?.status ?? 0,
    code,
    done,
    answerHeaders: headers,
    answerBody: desk.keepBodies && typeof rendered?.body === "string" ? rendered.body : null,
  });
  if (rendered === null) {
    response.socket?.resetAndDestroy();
    return;
  }
  send(response, rendered.status, headers, rendered.body, cut);
}

function notKnown(desk: Desk, response: ServerResponse, what: string): void {
  desk.unknown.push(what);
  send(response, 501, { "content-type": "text/plain", date: desk.now().toUTCString() }, `not known to the stand-in: ${what}`);
}

/** `cut`: the connection is reset after so many bytes. */
function send(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array, cut: number | null = null): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  response.sendDate = false;
  response.writeHead(status, { ...headers, "content-length": String(bytes.length) });
  if (cut === null) response.end(bytes);
  else response.write(bytes.subarray(0, cut), () => response.socket?.resetAndDestroy());
}

async function wholeBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
