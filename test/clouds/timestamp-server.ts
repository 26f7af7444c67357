import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toolPath } from "./setup.ts";
import { startProgram, until } from "./witness-server.ts";
import { listen } from "./witness-fake.ts";

export type TimestampServer = {
  readonly url: string /** Leaf, intermediates, root: PEM, as the server tells it. */;
  readonly chain: string;
  stop(): Promise<void>;
};

/** A key in a file (PKCS #8, unencrypted PEM) with its chain, leaf first; null makes a CA of its own in memory (ECDSA). */
export type TimestampSigner = { readonly key: string; readonly chain: string } | null;

// It opens :2112 on every interface as well, and a second instance dies of that: each gets a network namespace of its own. A relay
// in there listens on a socket file, which is in no namespace.
const relay = `
const net = require("node:net");
net.createServer((a) => { const b = net.connect(3000, "127.0.0.1"); for (const [x, y] of [[a, b], [b, a]]) { x.pipe(y); x.on("error", () => y.destroy()); } }).listen(process.argv[1]);`;

/** Whether this machine lets us have network namespaces. */
export function canIsolate(): boolean {
  try {
    execFileSync("unshare", ["-rn", "ip", "link", "set", "lo", "up"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export async function startTimestampServer(cache: string, signer: TimestampSigner): Promise<TimestampServer> {
  const dir = await mkdtemp(join(tmpdir(), "hf-tsa-"));
  const socket = join(dir, "s.sock");
  const how = ["--timestamp-signer", "memory"];
  if (signer !== null) {
    await writeFile(join(dir, "key.pem"), signer.key);
    await writeFile(join(dir, "chain.pem"), signer.chain);
    how.splice(1, 1, "file", "--file-signer-key-path", join(dir, "key.pem"), "--certificate-chain-path", join(dir, "chain.pem"));
  }
  const serve = [toolPath(cache, "timestamp-server"), "serve", "--host", "127.0.0.1", "--port", "3000", "--disable-ntp-monitoring", ...how];
  const script = 'ip link set lo up; node="$1"; code="$2"; sock="$3"; shift 3; "$node" -e "$code" "$sock" & exec "$@"';
  const program = startProgram("unshare", ["-rn", "sh", "-c", script, "sh", process.execPath, relay, socket, ...serve]);
  const bridge = createServer((a) => {
    const b = connect(socket);
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      x.pipe(y);
      x.on("error", () => y.destroy());
    }
  });
  const base = await listen(bridge);
  let chain = "";
  await until("timestamp-server", program, async () => {
    if (!existsSync(socket)) return false;
    const answer = await fetch(`${base}/api/v1/timestamp/certchain`).catch(() => null);
    chain = answer?.ok === true ? await answer.text() : "";
    return chain !== "";
  });
  return {
    url: `${base}/api/v1/timestamp`,
    chain,
    async stop() {
      bridge.close();
      program.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
