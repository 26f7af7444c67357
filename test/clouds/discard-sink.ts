/**
 * An S3 store for measuring senders: a process of its own that counts bodies and throws them away. It keeps keys, locks, part
 * sums and metadata and answers coherently, so that a run ends sealed and `aws s3 cp` and `rclone copyto` work. It believes
 * every sum it is told and composes the whole from them: nothing may be concluded from it about integrity.
 *
 *     node test/clouds/discard-sink.ts --port 0          prints its port on one line
 *     const sink = await spawnDiscardSink();             sink.url; sink.pid; await sink.stop();
 *
 * Raw sockets, since node:http spends more on a discarded body than a sender should have to wait for.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { newSink, type SinkAnswer, type SinkRequest } from "./discard-sink-state.ts";
import { sinkAnswer } from "./discard-sink-store.ts";
import { recognize } from "./s3-fake-operations.ts";

/** Bodies that are looked at besides XML: objects small enough for an MD5 that clients compare. */
const smallBody = 1 << 20;

export async function startDiscardSink(port: number): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const sink = newSink();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, highWaterMark: 1 << 20 }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    const feed = connection(socket, (request) => sinkAnswer(sink, request));
    socket.on("data", (chunk: Buffer) => {
      try {
        feed(chunk);
      } catch {
        socket.destroy(); // not HTTP as a client of S3 speaks it
      }
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the sink has no port");
  return {
    port: address.port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** HTTP/1.1 with Content-Length, pipelining in order, Expect: 100-continue. */
function connection(socket: Socket, answer: (request: SinkRequest) => SinkAnswer): (chunk: Buffer) => void {
  let head: Buffer = Buffer.alloc(0);
  let open: { readonly request: Omit<SinkRequest, "body" | "length">; readonly length: number; left: number; readonly kept: Buffer[] | null } | null = null;
  return (chunk) => {
    let rest: Buffer = chunk;
    for (;;) {
      if (open === null) {
        head = head.length === 0 ? rest : Buffer.concat([head, rest]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) {
          if (head.length > 65_536) throw new RangeError("request head too long");
          return;
        }
        open = parseHead(head.toString("latin1", 0, end));
        rest = head.subarray(end + 4);
        head = Buffer.alloc(0);
        if (open.request.header("expect") !== null && rest.length === 0 && open.length > 0) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      }
      const take = Math.min(open.left, rest.length);
      open.left -= take;
      open.kept?.push(rest.subarray(0, take));
      rest = rest.subarray(take);
      if (open.left > 0) return;
      const body = open.kept === null ? null : Buffer.concat(open.kept);
      reply(socket, open.request.method, answer({ ...open.request, body, length: open.length }));
      open = null;
      if (rest.length === 0) return;
    }
  };
}

function parseHead(text: string): {
  readonly request: Omit<SinkRequest, "body" | "length">;
  readonly length: number;
  left: number;
  readonly kept: Buffer[] | null;
} {
  const [first = "", ...lines] = text.split("\r\n");
  const [method = "", target = "/"] = first.split(" ");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  if (headers.has("transfer-encoding")) throw new TypeError("S3 wants Content-Length");
  const url = new URL(target, "http://127.0.0.1");
  const known = recognize(method, url);
  const length = Number(headers.get("content-length") ?? "0");
  return {
    request: { method, url, known, header: (name) => headers.get(name) ?? null, headers },
    length,
    left: length,
    kept: method === "POST" || length <= smallBody ? [] : null,
  };
}

function reply(socket: Socket, method: string, { status, headers, body }: SinkAnswer): void {
  const bytes = Buffer.from(body);
  const lines = [
    `HTTP/1.1 ${status} ${status < 400 ? "OK" : "Refused"}`,
    `date: ${new Date().toUTCString()}`,
    "x-amz-request-id: SINK",
    "server: discard-sink",
  ];
  if (status !== 204 && headers["content-length"] === undefined) lines.push(`content-length: ${bytes.length}`);
  if (bytes.length > 0) lines.push("content-type: application/xml");
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (method !== "HEAD" && bytes.length > 0) socket.write(bytes);
}

export async function spawnDiscardSink(): Promise<{ readonly url: string; readonly port: number; readonly pid: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "--port", "0", "--while-stdin"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const started = once(createInterface(child.stdout), "line").then(([line]) => Number(line));
  const port = await Promise.race([started, ended.then(() => Number.NaN)]);
  if (!Number.isInteger(port) || child.pid === undefined) throw new Error("the discarding sink did not start");
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "0" }, "while-stdin": { type: "boolean", default: false } } });
  const sink = await startDiscardSink(Number(values.port));
  process.stdout.write(`${sink.port}\n`);
  // A parent that dies without saying so closes the pipe.
  if (values["while-stdin"])
    process.stdin
      .resume()
      .on("end", () => process.exit(0))
      .on("error", () => process.exit(0));
}
