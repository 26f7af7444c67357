/**
 * One port behind which moto answers where it is honest (stand-ins §5.1) and our stand-in everything else, so that the same
 * collector is driven against both. Requests go on as they are; the client's Host header too, since SigV4 signs it.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { scopeOf } from "./credentials.ts";

export type Went = { readonly call: string; readonly to: "moto" | "fake"; readonly bytes: Buffer };

export type MotoRoute = {
  readonly url: string;
  /** `service:Operation` (for S3 the method), who answered and with which bytes, in order. */
  readonly went: readonly Went[];
  close(): Promise<void>;
};

/** Moto's share: a service as a whole, or the operations of it that are named. */
const honest: Readonly<Record<string, "all" | ReadonlySet<string>>> = {
  sts: "all",
  iam: "all",
  s3: "all", // objects of sources; no lock is asked of it
  logs: new Set(["FilterLogEvents", "CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogGroups", "DescribeLogStreams", "PutRetentionPolicy"]),
  cloudtrail: new Set([
    "CreateTrail",
    "StartLogging",
    "StopLogging",
    "DescribeTrails",
    "GetTrail",
    "GetTrailStatus",
    "GetEventSelectors",
    "PutEventSelectors",
    "ListTags",
  ]),
};

/** What moto's EC2 lacks or gets wrong; the rest of EC2 is moto's. Snapshots go together: half a snapshot's life here and half there is none. */
const ec2Lacks = /Snapshot|ConsoleScreenshot/;

function goesToMoto(service: string, operation: string): boolean {
  if (service === "ec2") return !ec2Lacks.test(operation);
  const share = honest[service];
  return share === "all" || share?.has(operation) === true;
}

export async function openMotoRoute(moto: string, fake: string): Promise<MotoRoute> {
  const went: Went[] = [];
  const server = createServer((message, response) => {
    route(message, response).catch(() => response.destroy());
  });
  const route = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const url = new URL(message.url ?? "/", moto);
    const service = scopeOf(message.headers.authorization, url.searchParams)?.service ?? "";
    const target = message.headers["x-amz-target"];
    const operation = typeof target === "string" ? (target.split(".").at(-1) ?? "") : (new URLSearchParams(body.toString("latin1")).get("Action") ?? "");
    const to = goesToMoto(service, operation) ? "moto" : "fake";
    const bytes = await sendOn(new URL(to === "moto" ? moto : fake), message, body, response);
    went.push({ call: `${service}:${operation === "" ? (message.method ?? "") : operation}`, to, bytes });
  };
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the route has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    went,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function sendOn(upstream: URL, message: IncomingMessage, body: Buffer, response: ServerResponse): Promise<Buffer> {
  const headers = { ...message.headers, connection: "close" };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const on = request({ host: upstream.hostname, port: upstream.port, method: message.method, path: message.url, headers, setHost: false });
    on.once("response", resolve).once("error", reject).end(body);
  });
  const { connection: _, "keep-alive": __, ...kept } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, kept);
  const bytes: Buffer[] = [];
  for await (const chunk of answer) if (Buffer.isBuffer(chunk)) bytes.push(chunk);
  const whole = Buffer.concat(bytes);
  response.end(whole);
  return whole;
}
