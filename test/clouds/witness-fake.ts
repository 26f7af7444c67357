import { generateKeyPairSync, hash, type KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Vkey } from "../../src/ledger/keys/log-key.ts";
import { openCheckpoint } from "../../src/ledger/format/checkpoint.ts";
import { verifyConsistency } from "../../src/ledger/format/merkle-proof.ts";

/** How the witness fails or lies; null: as C2SP tlog-witness says. */
export type WitnessLie =
  | null
  | "down"
  /** Answers rightly, after half a second. */
  | "slow"
  | "broken-500"
  | "fork-422"
  | "endless"
  | "unknown-log"
  | "bad-key"
  | "other-text"
  | "other-name"
  | "time-0"
  | "bad-conflict"
  | "stale-size"
  | { readonly size: number };

/**
 * A small C2SP tlog-witness: decides from state, signs cosignature/v1. The proofs of our own log are checked with our own code, so
 * that litewitness (server tier) remains the judge of them.
 */
export type WitnessFake = {
  readonly url: string;
  readonly vkey: string;
  readonly seen: { size: number; root: Buffer };
  lie: WitnessLie;
  requests: number;
  stop(): Promise<void>;
};

export async function startWitness(name: string, origin: string, vkeys: readonly Vkey[], type: "ed25519" | "ml-dsa-44" = "ed25519"): Promise<WitnessFake> {
  const { privateKey, publicKey } = type === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ml-dsa-44");
  const spki = publicKey.export({ format: "der", type: "spki" });
  const pub = type === "ed25519" ? Buffer.concat([Buffer.of(4), spki.subarray(-32)]) : Buffer.concat([Buffer.of(6), spki.subarray(-1312)]);
  const id = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), pub]), "buffer").subarray(0, 4);
  const server = createServer((request, response) => void answer(fake, request, response).catch((error) => response.writeHead(500).end(String(error))));
  const fake: WitnessFake & Inner = {
    url: await listen(server),
    vkey: `${name}+${id.toString("hex")}+${pub.toString("base64")}`,
    seen: { size: 0, root: Buffer.alloc(32) },
    lie: null,
    requests: 0,
    name,
    id,
    key: privateKey,
    origin,
    vkeys,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

type Inner = { readonly name: string; readonly id: Buffer; readonly key: KeyObject; readonly origin: string; readonly vkeys: readonly Vkey[] };

async function answer(fake: WitnessFake & Inner, request: IncomingMessage, response: ServerResponse): Promise<void> {
  fake.requests += 1;
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const text = Buffer.concat(parts).toString("utf8");
  if (request.method !== "POST" || request.url !== "/add-checkpoint") return void response.writeHead(404).end("no such path\n");
  if (fake.lie === "down") return void response.destroy();
  if (fake.lie === "slow") await sleep(500);
  if (fake.lie === "broken-500") return void response.writeHead(500).end("no quorum of disks\n");
  if (fake.lie === "fork-422") return void response.writeHead(422).end("bad consistency proof\n");
  if (fake.lie === "unknown-log") return void response.writeHead(404).end("unknown log\n");
  if (fake.lie === "bad-key") return void response.writeHead(403).end("invalid signature\n");
  if (fake.lie === "endless") {
    response.writeHead(200);
    const timer = setInterval(() => response.write("\u2014 ".repeat(20_000)), 1);
    response.on("close", () => clearInterval(timer));
    return;
  }
  const at = text.indexOf("\n\n");
  const [head = "", ...proof] = text.slice(0, at).split("\n");
  const old = Number(/^old (0|[1-9]\d*)$/.exec(head)?.[1]);
  const note = Buffer.from(text.slice(at + 2));
  let checkpoint: ReturnType<typeof openCheckpoint>;
  try {
    checkpoint = openCheckpoint(note, fake.origin, fake.vkeys);
  } catch {
    return void response.writeHead(403).end("invalid signature\n");
  }
  if (at < 0 || !Number.isSafeInteger(old) || old > checkpoint.size || proof.length > 63) return void response.writeHead(400).end("invalid input\n");
  if (fake.lie === "bad-conflict") return void response.writeHead(409, { "content-type": "text/plain" }).end("conflict\n");
  if (fake.lie === "stale-size") return void conflict(response, old);
  if (fake.lie !== null && typeof fake.lie === "object") return void conflict(response, fake.lie.size);
  if (old !== fake.seen.size) return void conflict(response, fake.seen.size);
  const hashes = proof.map((line) => Buffer.from(line, "base64"));
  const holds = old === 0 ? hashes.length === 0 : verifyConsistency(old, checkpoint.size, hashes, fake.seen.root, checkpoint.root);
  if (!holds) return void response.writeHead(422).end("bad consistency proof\n");
  Object.assign(fake.seen, { size: checkpoint.size, root: checkpoint.root });
  response.writeHead(200).end(line(fake, text.slice(at + 2, text.lastIndexOf("\n\n") + 1)));
}

function conflict(response: ServerResponse, size: number): void {
  response.writeHead(409, { "content-type": "text/x.tlog.size" }).end(`${size}\n`);
}

function line(fake: WitnessFake & Inner, text: string): string {
  const seconds = fake.lie === "time-0" ? 0 : Math.floor(Date.now() / 1000);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(seconds));
  const said = fake.lie === "other-text" ? text.replace(/\n\d+\n/, "\n999\n") : text;
  const message = fake.key.asymmetricKeyType === "ed25519" ? Buffer.from(`cosignature/v1\ntime ${seconds}\n${said}`) : subtree(fake.name, time, said);
  const signature = sign(null, message, fake.key);
  const field = Buffer.concat([fake.id, time, signature]).toString("base64");
  return `\u2014 grease.example/unknown ${Buffer.alloc(80, 7).toString("base64")}\n\u2014 ${fake.lie === "other-name" ? "other.example/w" : fake.name} ${field}\n`;
}

/** tlog-cosignature: cosigned_message of the whole tree. */
function subtree(name: string, time: Buffer, text: string): Buffer {
  const [origin = "", size = "", root = ""] = text.split("\n");
  const end = Buffer.alloc(8);
  end.writeBigUInt64BE(BigInt(size));
  const named = (word: string): Buffer => Buffer.concat([Buffer.of(word.length), Buffer.from(word)]);
  return Buffer.concat([Buffer.from("subtree/v1\n\0"), named(name), time, named(origin), Buffer.alloc(8), end, Buffer.from(root, "base64")]);
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return `http://127.0.0.1:${address.port}`;
}
