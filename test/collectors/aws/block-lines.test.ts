import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type BlockLines, openBlockLines, type Origin } from "../../../collectors/aws/disk-image/block-lines.ts";
import { noise, sha256 } from "../../stream/sources.ts";

const block = noise(512 * 1024);
const never = new AbortController().signal;
const request = { target: "/x?y=1", headers: [["host", "localhost"]] } as const;
const hasOpenssl = ((): boolean => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
const open: { close(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function listen(server: Server, protocol: "http:" | "https:"): Promise<Origin> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push({
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { protocol, hostname: "localhost", port: address.port };
}

function linesOf(trust?: string): BlockLines {
  const lines = openBlockLines(trust);
  open.push(lines);
  return lines;
}

function give(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-length": block.length }).end(block);
}

async function take(lines: BlockLines, origin: Origin, signal: AbortSignal = never): Promise<string> {
  const answer = await lines.get(origin, request, () => Buffer.alloc(block.length), signal);
  return `${answer.status} ${sha256(answer.body)}`;
}

const expected = `200 ${sha256(block)}`;

test("many requests share few connections, and each gets its own bytes", async () => {
  const server = createPlain((message, response) => {
    const nth = Number(message.headers["x-nth"]);
    response.writeHead(200, { "content-length": block.length }).end(Buffer.alloc(block.length, nth));
  });
  let connections = 0;
  server.on("connection", () => (connections += 1));
  const origin = await listen(server, "http:");
  const lines = linesOf();
  let nth = 0;
  const lane = async (): Promise<void> => {
    while (nth < 200) {
      nth += 1;
      const mine = nth;
      const { body } = await lines.get(origin, { ...request, headers: [...request.headers, ["x-nth", String(mine)]] }, () => Buffer.alloc(block.length), never);
      expect(body.length === block.length && body.every((byte) => byte === mine % 256)).toBe(true);
    }
  };
  await Promise.all(Array.from({ length: 10 }, lane));
  expect(connections).toBe(10);
});

test.skipIf(!hasOpenssl)("over TLS too, and only to who is trusted", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-tls-"));
  const [key, cert] = [join(folder, "key"), join(folder, "cert")];
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      key,
      "-out",
      cert,
      "-days",
      "1",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=DNS:localhost",
    ],
    { stdio: "ignore" },
  );
  const pem = { key: readFileSync(key), cert: readFileSync(cert, "utf8") };
  rmSync(folder, { recursive: true });
  const origin = await listen(createTls(pem, give), "https:");
  const lines = linesOf(pem.cert);
  expect(await Promise.all(Array.from({ length: 20 }, () => take(lines, origin)))).toEqual(Array.from({ length: 20 }, () => expected));
  expect(await take(lines, origin)).toBe(expected);
  await expect(take(linesOf(), origin)).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  const other = { ...origin, hostname: "127.0.0.1" };
  await expect(take(lines, other)).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test("a connection that the server closes meanwhile is not used again", async () => {
  const server = createPlain(give);
  server.keepAliveTimeout = 1;
  server.on("connection", (socket) => setTimeout(() => socket.end(), 60));
  const origin = await listen(server, "http:");
  const lines = linesOf();
  for (let i = 0; i < 3; i += 1) {
    expect(await take(lines, origin)).toBe(expected);
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
});

test("`connection: close` is believed", async () => {
  let connections = 0;
  const server = createPlain((_, response) => response.writeHead(200, { "content-length": 2, connection: "close" }).end("ab"));
  server.on("connection", () => (connections += 1));
  const origin = await listen(server, "http:");
  const lines = linesOf();
  for (let i = 0; i < 3; i += 1) expect((await lines.get(origin, request, () => Buffer.alloc(2), never)).keep).toBe(false);
  expect(connections).toBe(3);
});

test.for([
  ["before its answer", (response: ServerResponse) => response.socket?.destroy()],
  ["in the middle", (response: ServerResponse) => response.writeHead(200, { "content-length": 10 }).write("12345", () => response.socket?.destroy())],
] as const)("a connection lost %s is an error, and the next request has another", async ([, lose]) => {
  let calls = 0;
  const origin = await listen(
    createPlain((message, response) => (calls++ === 0 ? void lose(response) : give(message, response))),
    "http:",
  );
  const lines = linesOf();
  await expect(take(lines, origin)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(await take(lines, origin)).toBe(expected);
});

test("nobody there is said as the system says it", async () => {
  const server = createPlain(give);
  const origin = await listen(server, "http:");
  await new Promise((resolve) => server.close(resolve));
  await expect(take(linesOf(), origin)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("an abort ends the request at once, and its room is written to no more", async () => {
  const controller = new AbortController();
  const room = Buffer.alloc(block.length);
  const origin = await listen(
    createPlain((_, response) => {
      response.writeHead(200, { "content-length": block.length });
      response.write(block.subarray(0, 1000), () => {
        setTimeout(() => controller.abort(new Error("enough")), 20);
        setTimeout(() => response.end(block.subarray(1000)), 60);
      });
    }),
    "http:",
  );
  const lines = linesOf();
  await expect(lines.get(origin, request, () => room, controller.signal)).rejects.toThrow("enough");
  room.fill(0);
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(room.every((byte) => byte === 0)).toBe(true);
  await expect(take(lines, origin, controller.signal)).rejects.toThrow("enough");
});

test("closing ends what is under way", async () => {
  const origin = await listen(
    createPlain(() => {}),
    "http:",
  );
  const lines = linesOf();
  const asked = take(lines, origin);
  setTimeout(() => lines.close(), 30);
  await expect(asked).rejects.toMatchObject({ code: "ECONNRESET" });
});
