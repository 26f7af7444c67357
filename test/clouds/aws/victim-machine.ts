/**
 * Runs orders as root on a virtual machine that is reached by ssh (stand-ins §5.9), so that memory is real memory. One master
 * connection carries everything; `reach` opens the machine's own 127.0.0.1:PORT to the same port here, for the test's S3.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { heard, type Machine, type Order, type RunningScript } from "./machine.ts";

/** The members of `victim.sh info` that are needed here. */
export type VictimInfo = { readonly host: string; readonly port: number; readonly identity: string; readonly knownHosts: string };

export type VictimMachine = Machine & {
  /** The machine can then call 127.0.0.1:port and meets what listens there on this side. */
  reach(port: number): Promise<void>;
  /** What a person at the console would type; for planting and looking, not for orders. */
  ask(command: string): Promise<string>;
};

const execute = promisify(execFile);

export function parseVictimInfo(text: string): VictimInfo {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) throw new TypeError("victim info is not an object");
  const { host, port, identity, knownHosts } = { host: null, port: null, identity: null, knownHosts: null, ...value };
  if (typeof host !== "string" || typeof port !== "number" || typeof identity !== "string" || typeof knownHosts !== "string")
    throw new TypeError("victim info lacks host, port, identity or knownHosts");
  return { host, port, identity, knownHosts };
}

export async function connectVictim(info: VictimInfo): Promise<VictimMachine> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-victim-"));
  const socket = join(home, "s");
  const place = ["-S", socket, "-p", String(info.port), `root@${info.host}`];
  const trust = ["-i", info.identity, "-o", "IdentitiesOnly=yes", "-o", `UserKnownHostsFile=${info.knownHosts}`, "-o", "StrictHostKeyChecking=yes"];
  // -f returns once the connection stands; the master then lives until it is told to exit.
  await execute("ssh", [...trust, "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", "-f", "-N", "-M", ...place]);
  const ask = async (command: string): Promise<string> => (await execute("ssh", [...place, command], { maxBuffer: 64 * 1024 * 1024 })).stdout;
  const folder = "/run/order";
  const running = new Set<string>();
  let orders = 0;
  const next = (): number => {
    orders += 1;
    return orders;
  };
  const killFar = (name: string): Promise<string> => ask(`kill -9 -- -$(cat ${folder}/${name}.pid) || true`);
  const run = (order: Order): RunningScript => {
    const name = `${process.pid}-${next()}`;
    const variables = Object.entries(order.environment).map(([key, value]) => `${key}=${quoted(value)}`);
    // The group's number is written before the script can run, so that no script escapes its end.
    const far = `mkdir -p ${folder} && cat >${folder}/${name} && chmod 700 ${folder}/${name} && cd ${quoted(order.directory ?? "/")} && exec setsid -w env ${variables.join(" ")} sh -c 'echo $$ >${folder}/${name}.pid; exec sh -c ${folder}/${name}'`;
    const child: ChildProcess = spawn("ssh", [...place, far]);
    child.stdin?.on("error", () => undefined).end(order.script);
    running.add(name);
    child.once("close", () => running.delete(name));
    return heard(child, () => {
      killFar(name).catch(() => undefined); // the machine may be gone already: then so is the script
      setTimeout(() => child.kill(), 3000).unref();
    });
  };
  return {
    run,
    ask,
    reach: async (port) => {
      await execute("ssh", ["-O", "forward", "-R", `127.0.0.1:${port}:127.0.0.1:${port}`, ...place]);
    },
    stop: async () => {
      for (const name of running) await killFar(name).catch(() => undefined);
      await execute("ssh", ["-O", "exit", ...place]).catch(() => undefined);
      await rm(home, { recursive: true, force: true });
    },
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
