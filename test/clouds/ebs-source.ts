/**
 * EBS direct for measuring readers: a process of its own that lists and gives the blocks of one snapshot, at a distance and under
 * a limit. It looks at no signature and no token: nothing may be concluded from it about correctness (test/clouds/aws is for that).
 *
 *     node test/clouds/ebs-source.ts --gib 8 --written 0.5 --latency 100 --rate 1000        prints its port and the volume's SHA-256
 *     const source = await spawnEbsSource({ gib: 8, written: 0.5, latency: 100, rate: 1000 });
 *
 * Raw sockets, since node:http spends more on a block than either reader should have to wait for.
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export type EbsSourceOptions = {
  readonly gib: number;
  /** Share of the blocks that were ever written, in runs of 64 (32 MiB) evenly apart. */
  readonly written: number;
  /** Milliseconds before each answer. */
  readonly latency: number;
  /** Blocks a second, refused beyond, with a tenth of a second in the bucket. */
  readonly rate: number;
};

export type EbsSource = { readonly url: string; readonly sha256: string; readonly blocks: number; stop(): Promise<void> };

export const snapshotId = "snap-0be0c4000000000b1";
const blockBytes = 524_288;
const token = "A".repeat(128);

function writtenBlocks({ gib, written }: EbsSourceOptions): readonly number[] {
  const count = gib * 2048;
  const run = 64;
  return Array.from({ length: count }, (_, i) => i).filter((i) => {
    const nth = Math.floor(i / run);
    return Math.floor((nth + 1) * written) > Math.floor(nth * written);
  });
}

async function serve(options: EbsSourceOptions): Promise<void> {
  const written = writtenBlocks(options);
  // No compressor makes these shorter, and no two of a chunk are the same.
  const samples = Array.from({ length: 64 }, () => randomBytes(blockBytes));
  const sums = samples.map((block) => createHash("sha256").update(block).digest("base64"));
  let tokens = options.rate / 10;
  let at = performance.now();

  function allowed(): boolean {
    const now = performance.now();
    tokens = Math.min(options.rate / 10, tokens + ((now - at) * options.rate) / 1000);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }

  function list(query: URLSearchParams): Buffer {
    const start = query.has("pageToken") ? Number(query.get("pageToken")) : written.findIndex((i) => i >= Number(query.get("startingBlockIndex") ?? 0));
    const end = Math.min(written.length, start + Number(query.get("maxResults") ?? 10_000));
    const Blocks = start < 0 ? [] : written.slice(start, end).map((BlockIndex) => ({ BlockIndex, BlockToken: token }));
    const more = start >= 0 && end < written.length ? { NextToken: String(end) } : {};
    return Buffer.from(JSON.stringify({ Blocks, VolumeSize: options.gib, BlockSize: blockBytes, ExpiryTime: 1_900_000_000, ...more }));
  }

  function answer(socket: Socket, line: string): void {
    const url = new URL(line.split(" ")[1] ?? "/", "http://ebs");
    const [, , , , index] = url.pathname.split("/");
    if (index === undefined) {
      send(socket, "200 OK", "content-type: application/json\r\n", list(url.searchParams));
      return;
    }
    if (!allowed()) {
      send(socket, "400 Bad Request", "x-amzn-errortype: RequestThrottledException\r\n", Buffer.from('{"Message":"slow","Reason":"RESOURCE_LEVEL_THROTTLE"}'));
      return;
    }
    const nth = Number(index) % samples.length;
    const head = `content-type: application/octet-stream\r\nx-amz-data-length: ${blockBytes}\r\nx-amz-checksum-algorithm: SHA256\r\nx-amz-checksum: ${sums[nth]}\r\n`;
    send(socket, "200 OK", head, samples[nth] ?? Buffer.alloc(0));
  }

  function send(socket: Socket, status: string, head: string, body: Buffer): void {
    setTimeout(() => {
      if (socket.destroyed) return;
      socket.cork();
      socket.write(
        `HTTP/1.1 ${status}\r\n${head}x-amzn-requestid: bench\r\ndate: ${new Date().toUTCString()}\r\ncontent-length: ${body.length}\r\n\r\n`,
        "latin1",
      );
      socket.write(body);
      socket.uncork();
    }, options.latency);
  }

  const server = createServer({ noDelay: true }, (socket) => {
    let head = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      head += chunk.toString("latin1");
      for (let end = head.indexOf("\r\n\r\n"); end >= 0; end = head.indexOf("\r\n\r\n")) {
        answer(socket, head.slice(0, head.indexOf("\r\n")));
        head = head.slice(end + 4);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const hash = createHash("sha256");
  const known = new Set(written);
  const zeros = Buffer.alloc(blockBytes);
  for (let i = 0; i < options.gib * 2048; i += 1) hash.update(known.has(i) ? (samples[i % samples.length] ?? zeros) : zeros);
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the source has no port");
  console.log(`${address.port} ${hash.digest("hex")} ${written.length}`);
}

export async function spawnEbsSource(options: EbsSourceOptions): Promise<EbsSource> {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const [port, sha256, blocks] = String(line).split(" ");
  return {
    url: `http://127.0.0.1:${port}`,
    sha256: sha256 ?? "",
    blocks: Number(blocks),
    stop: async () => {
      child.kill();
      await once(child, "close");
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { gib: { type: "string" }, written: { type: "string" }, latency: { type: "string" }, rate: { type: "string" } } });
  await serve({ gib: Number(values.gib), written: Number(values.written), latency: Number(values.latency), rate: Number(values.rate) });
}
