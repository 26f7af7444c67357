/**
 * An honest S3 with versions and Object Lock, for the tier that needs npm only. It decides from its state and an injected
 * clock, speaks to the real SDK over HTTP, checks signatures, checksums and locks as AWS does (facts/aws §7), and answers 501
 * to whatever it does not know, which a test then finds in `violations`.
 *
 *     const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }], clock: () => now });
 *     const client = new S3Client(fake.clientConfig);     // or endpoint: fake.url, credentials: fake.credentials, forcePathStyle: true
 *     …
 *     expect(fake.violations).toEqual([]);
 *     await fake.stop();
 *
 * `denied` is a set that may be changed while it runs: fake.denied.add("GetObjectRetention") makes that call 403 and HEAD
 * silent about locks; "GetObject BUCKET" or "GetObject BUCKET/KEY" denies it there only; "BypassGovernanceRetention" takes that right away. `discard` keeps no bodies (GetObject is a violation).
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { type Answer, type Call, makeCall } from "./s3-fake-call.ts";
import { accessDenied, S3Error, Violation } from "./s3-fake-error.ts";
import { handlers } from "./s3-fake-handlers.ts";
import { type OperationName, recognize, strangeHeader } from "./s3-fake-operations.ts";
import { checkRegion } from "./s3-fake-region.ts";
import { checkPresigned, isPresigned, withoutPresigning } from "./s3-fake-presigned.ts";
import { checkSignature, type FakeCredentials } from "./s3-fake-signature.ts";
import { type FakeBucket, type FakeState, newBucket } from "./s3-fake-state.ts";
import { errorDocument } from "./s3-fake-xml.ts";

export type S3FakeOptions = {
  readonly buckets?: readonly { readonly name: string; readonly objectLock?: boolean; readonly versioning?: boolean }[];
  readonly clock?: () => Date;
  /** Account number that ExpectedBucketOwner is compared with. */
  readonly owner?: string;
  readonly discard?: boolean;
  /** Bytes; AWS's 5 MiB unless a test needs many small parts. */
  readonly minPartSize?: number;
  readonly credentials?: FakeCredentials;
  /** 0: any free port. */
  readonly port?: number;
  /** Sees every recognized request with its answer: the vendor's model is held against them (s3-model.ts). */
  readonly inspect?: (exchange: S3Exchange) => void;
};

export type S3Exchange = {
  readonly operation: OperationName;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly xml: string | null;
  readonly status: number;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answerXml: string | null;
};

export type S3FakeRequest = {
  readonly operation: OperationName | "unknown";
  readonly bucket: string;
  readonly key: string;
  readonly query: string;
  readonly status: number;
  readonly code: string | null;
  readonly requestId: string;
};

export type S3Fake = {
  readonly url: string;
  readonly credentials: FakeCredentials;
  readonly clientConfig: { readonly endpoint: string; readonly region: string; readonly forcePathStyle: true; readonly credentials: FakeCredentials };
  readonly owner: string;
  /** What was asked and is not S3 as this fake knows it. A test asserts that this is empty. */
  readonly violations: readonly string[];
  /** Every request in the order of its answer. */
  readonly requests: readonly S3FakeRequest[];
  readonly denied: Set<string>;
  /** The state itself, to look at and to damage (a flipped byte in the store). */
  bucket(name: string): FakeBucket;
  stop(): Promise<void>;
};

export async function startS3Fake(options: S3FakeOptions = {}): Promise<S3Fake> {
  const state: FakeState = {
    buckets: new Map(),
    clock: options.clock ?? (() => new Date()),
    owner: options.owner ?? "111122223333",
    discard: options.discard ?? false,
    minPartSize: options.minPartSize ?? 5 * 1024 * 1024,
    denied: new Set(),
  };
  for (const { name, objectLock, versioning } of options.buckets ?? []) newBucket(state, name, objectLock ?? false, versioning ?? false);
  const credentials = options.credentials ?? { accessKeyId: "test", secretAccessKey: "secret1234" };
  const violations: string[] = [];
  const requests: S3FakeRequest[] = [];
  const server = createServer((message, response) => {
    serve(state, credentials, message, response, violations, requests, options.inspect).catch((error: unknown) => {
      // The client went away in the middle of a body: nothing was stored. Everything else is a bug of the fake.
      if (!message.destroyed && !response.destroyed) violations.push(`the fake failed: ${String(error)}`);
      response.destroy();
    });
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0; // an idle connection closed by the server is a fault, and faults belong to the proxy
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the fake has no port");
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    credentials,
    clientConfig: { endpoint: url, region: "us-east-1", forcePathStyle: true, credentials },
    owner: state.owner,
    violations,
    requests,
    denied: state.denied,
    bucket: (name) => {
      const bucket = state.buckets.get(name);
      if (bucket === undefined) throw new RangeError(`the fake has no bucket ${name}`);
      return bucket;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  state: FakeState,
  credentials: FakeCredentials,
  message: IncomingMessage,
  response: ServerResponse,
  violations: string[],
  requests: S3FakeRequest[],
  inspect: S3FakeOptions["inspect"],
): Promise<void> {
  const requestId = randomBytes(8).toString("hex").toUpperCase();
  const url = new URL(message.url ?? "/", "http://127.0.0.1");
  const known = recognize(message.method ?? "", url);
  let answer: Answer;
  let code: string | null = null;
  let call: Call | null = null;
  try {
    // A link that somebody bent is refused for its signature, whatever operation it would have been.
    const presigned = isPresigned(url.searchParams);
    if (presigned) checkPresigned(message, url, credentials, state.clock());
    if (typeof known === "string") throw new Violation(known);
    if (!presigned) checkSignature(message, url, credentials);
    const strange = strangeHeader(known.operation, Object.keys(message.headers));
    if (strange !== null) throw new Violation(`${known.operation} with header ${strange}`);
    const bucket = state.buckets.get(known.bucket);
    if (!presigned && bucket !== undefined) checkRegion(message, bucket);
    call = makeCall(state, known.operation, known.bucket, known.key, url, message);
    const owner = call.header("x-amz-expected-bucket-owner");
    if (owner !== null && owner !== state.owner) throw accessDenied();
    if ([known.operation, `${known.operation} ${known.bucket}`, `${known.operation} ${known.bucket}/${known.key}`].some((name) => state.denied.has(name)))
      throw accessDenied(`User is not authorized to perform: s3:${known.operation}`);
    answer = await handlers[known.operation](call);
  } catch (error) {
    if (error instanceof Violation) violations.push(error.message);
    else if (!(error instanceof S3Error)) throw error;
    answer = errorAnswer(error, url.pathname, requestId);
    code = error instanceof S3Error ? error.code : "NotImplemented";
  }
  // S3 may hang up on an early refusal; the fake hears the body out, so that the refusal always arrives.
  if (!message.readableEnded) await drain(message);
  const { operation, bucket, key } = typeof known === "string" ? { operation: "unknown" as const, bucket: "", key: "" } : known;
  if (call !== null) inspect?.(exchangeOf(call, url, answer));
  requests.push({ operation, bucket, key, query: url.search, status: answer.status, code, requestId });
  await send(state, message, response, answer, requestId);
}

function exchangeOf(call: Call, url: URL, answer: Answer): S3Exchange {
  return {
    operation: call.operation,
    query: withoutPresigning(url.searchParams),
    headers: Object.fromEntries(call.headerNames.map((name) => [name, call.header(name) ?? ""])),
    xml: call.xml,
    status: answer.status,
    answerHeaders: answer.headers,
    answerXml: typeof answer.body === "string" ? answer.body : null,
  };
}

async function drain(message: IncomingMessage): Promise<void> {
  for await (const chunk of message) void chunk;
}

function errorAnswer(error: S3Error | Violation, resource: string, requestId: string): Answer {
  if (error instanceof Violation)
    return {
      status: 501,
      headers: {},
      body: errorDocument([
        ["Code", "NotImplemented"],
        ["Message", error.message],
        ["RequestId", requestId],
      ]),
    };
  return {
    status: error.status,
    headers: error.headers,
    body: errorDocument([
      ["Code", error.code],
      ["Message", error.message],
      ...error.extra,
      ["Resource", resource],
      ["RequestId", requestId],
      ["HostId", "fake"],
    ]),
  };
}

async function send(state: FakeState, message: IncomingMessage, response: ServerResponse, answer: Answer, requestId: string): Promise<void> {
  response.sendDate = false;
  const text = typeof answer.body === "string" ? Buffer.from(answer.body) : null;
  response.writeHead(answer.status, {
    date: state.clock().toUTCString(),
    server: "AmazonS3",
    "x-amz-request-id": requestId,
    "x-amz-id-2": "fake",
    ...(text === null ? {} : { "content-type": "application/xml", "content-length": String(text.length) }),
    ...(answer.body === null && answer.headers["content-length"] === undefined && answer.status !== 204 ? { "content-length": "0" } : {}),
    ...answer.headers,
  });
  if (message.method === "HEAD" || answer.body === null) response.end();
  else if (text !== null) response.end(text);
  else if (typeof answer.body !== "string") await pipeline(Readable.from(answer.body), response);
}
