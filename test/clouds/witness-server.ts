import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { toolPath } from "./setup.ts";

/** A program that was started for one test file, and what it said. */
export type Started = { said(): string; ended(): boolean; stop(): void };

export function startProgram(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(command, args, {
    env: { PATH: process.env["PATH"] ?? "", HOME: tmpdir(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  const hear = (words: string): void => {
    text = (text + words).slice(-20_000);
  };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => hear(chunk.toString("utf8")));
  child.on("error", (error) => hear(String(error)));
  const stop = (): void => {
    process.off("exit", stop);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, "SIGKILL"); // the group: it may have children of its own
  };
  process.once("exit", stop);
  return { said: () => text, ended: () => child.exitCode !== null || child.signalCode !== null, stop };
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new TypeError("no free port");
  return address.port;
}

/** Polls until it is true, or says what the program said. */
export async function until(what: string, program: Started, test: () => Promise<boolean> | boolean): Promise<void> {
  for (const from = performance.now(); performance.now() - from < 60_000; await sleep(50)) {
    if (program.ended()) break;
    if (await test()) return;
  }
  throw new Error(`${what}: ${program.said().slice(-600)}`);
}

export type WitnessServer = { readonly url: string; readonly vkey: string; knows(origin: string, vkeys: readonly string[]): void; stop(): Promise<void> };

/** litewitness with an ssh-agent that holds its key, as stand-ins §5.5 has it. */
export async function startLitewitness(cache: string, name: string): Promise<WitnessServer> {
  const dir = await mkdtemp(join(tmpdir(), "hf-lw-"));
  const key = join(dir, "key");
  const socket = join(dir, "agent.sock");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const agent = startProgram("ssh-agent", ["-D", "-a", socket]);
  await until("ssh-agent", agent, () => added(key, socket));
  const fingerprint =
    execFileSync("ssh-keygen", ["-lf", `${key}.pub`])
      .toString()
      .split(" ")[1] ?? "";
  const port = await freePort();
  const db = join(dir, "w.db");
  const args = ["-db", db, "-name", name, "-key", fingerprint, "-ssh-agent", socket, "-listen", `127.0.0.1:${port}`];
  const program = startProgram(toolPath(cache, "litewitness"), args);
  const url = `http://127.0.0.1:${port}`;
  await until("litewitness", program, async () => (await fetch(url).catch(() => null))?.ok === true);
  const escaped = name.replaceAll(/[.+]/g, "\\$&");
  const vkey = new RegExp(`${escaped}\\+[0-9a-f]{8}\\+[A-Za-z0-9+/=]+`).exec(program.said() + (await (await fetch(url)).text()))?.[0];
  if (vkey === undefined) throw new Error(`litewitness printed no key: ${program.said()}`);
  return {
    url,
    vkey,
    // witnessctl cannot be installed; these are the two rows that it writes.
    knows(origin, vkeys) {
      const open = new Database(db, { timeout: 5000 });
      open.prepare("INSERT INTO log(origin,tree_size,tree_hash) VALUES(?,0,?)").run(origin, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
      for (const vkey of vkeys) open.prepare("INSERT INTO key(origin,key) VALUES(?,?)").run(origin, vkey);
      open.close();
    },
    async stop() {
      program.stop();
      agent.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function added(key: string, socket: string): boolean {
  try {
    execFileSync("ssh-add", ["-q", key], { env: { PATH: process.env["PATH"] ?? "", SSH_AUTH_SOCK: socket }, stdio: "ignore" });
    return true;
  } catch {
    return false; // not listening yet
  }
}
