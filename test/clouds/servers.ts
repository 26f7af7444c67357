/**
 * Starts and stops the foreign S3 servers, on 127.0.0.1 and free ports only, each in a process group of its own and with a
 * fresh directory. `startServer` may also be called by a single test (s3rver needs npm only).
 *
 *     const s3rver = await startServer("s3rver", cacheDirectory(process.env));
 *     new S3Client(clientConfigOf(s3rver)); … await s3rver.stop();
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { toolPath } from "./setup.ts";

export const serverNames = ["minio", "versitygw", "s3rver", "moto"] as const;
export type ServerName = (typeof serverNames)[number];

export type ServerInfo = {
  readonly name: ServerName;
  readonly version: string;
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** What ExpectedBucketOwner has to say, or null where the server does not look at it. */
  readonly owner: string | null;
  /** Where it keeps its data: a test may damage it. */
  readonly directory: string;
  readonly pid: number;
};
export type Server = ServerInfo & { stop(): Promise<void> };

type Recipe = {
  readonly version: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly owner: string | null;
  readonly ready: string;
  readonly command: (
    cache: string,
    directory: string,
    port: number,
  ) => {
    readonly program: string;
    readonly args: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly folders: readonly string[];
  };
};

const recipes: Readonly<Record<ServerName, Recipe>> = {
  minio: {
    version: "20260212201848",
    accessKeyId: "test",
    secretAccessKey: "secret1234",
    owner: null,
    ready: "/minio/health/ready",
    command: (cache, directory, port) => ({
      program: toolPath(cache, "minio"),
      args: ["server", join(directory, "data"), "--address", `127.0.0.1:${port}`, "--quiet"],
      environment: { MINIO_ROOT_USER: "test", MINIO_ROOT_PASSWORD: "secret1234", MINIO_BROWSER: "off", MINIO_UPDATE: "off", HOME: directory },
      folders: ["data"],
    }),
  },
  versitygw: {
    version: "1.7.0",
    accessKeyId: "test",
    secretAccessKey: "secret",
    owner: "test",
    ready: "/health",
    command: (cache, directory, port) => ({
      program: toolPath(cache, "versitygw"),
      args: [
        "--port",
        `127.0.0.1:${port}`,
        "--health",
        "/health",
        "--iam-dir",
        join(directory, "iam"),
        "posix",
        "--versioning-dir",
        join(directory, "versions"),
        join(directory, "data"),
      ],
      environment: { ROOT_ACCESS_KEY: "test", ROOT_SECRET_KEY: "secret", HOME: directory },
      folders: ["iam", "versions", "data"],
    }),
  },
  s3rver: {
    version: "5.0.0",
    accessKeyId: "S3RVER",
    secretAccessKey: "S3RVER",
    owner: null,
    ready: "/",
    command: (_cache, directory, port) => ({
      program: process.execPath,
      args: [
        // The package ships its command line without the program that calls it.
        "-e",
        "require(process.argv[1]).parseAsync(['', '', ...process.argv.slice(2)])",
        "--",
        fileURLToPath(new URL("../../node_modules/@20minutes/s3rver/lib/cli.js", import.meta.url)),
        "--address",
        "127.0.0.1",
        "--port",
        String(port),
        "--silent",
        "--directory",
        join(directory, "data"),
        "--allow-mismatched-signatures",
      ],
      environment: {},
      folders: ["data"],
    }),
  },
  moto: {
    version: "5.2.5",
    accessKeyId: "test",
    secretAccessKey: "secret",
    owner: null,
    ready: "/moto-api/",
    command: (cache, directory, port) => ({
      program: toolPath(cache, "moto_server"),
      args: ["-H", "127.0.0.1", "-p", String(port)],
      environment: { MOTO_EC2_LOAD_DEFAULT_AMIS: "false", HOME: directory },
      folders: [],
    }),
  },
};

export function clientConfigOf(server: ServerInfo): {
  readonly endpoint: string;
  readonly region: string;
  readonly forcePathStyle: true;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
} {
  return {
    endpoint: server.url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
  };
}

export async function startServer(name: ServerName, cache: string): Promise<Server> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOnce(name, cache);
    } catch (error) {
      // Between asking for a free port and binding it, somebody else may have taken it.
      if (tries === 3 || !/in use/i.test(String(error))) throw error;
    }
  }
}

async function startOnce(name: ServerName, cache: string): Promise<Server> {
  const recipe = recipes[name];
  const directory = await mkdtemp(join(tmpdir(), `holdfast-${name}-`));
  const port = await freePort();
  const { program, args, environment, folders } = recipe.command(cache, directory, port);
  for (const folder of folders) await mkdir(join(directory, folder), { recursive: true });
  const child = spawn("/bin/sh", ["-c", diesWithParent, "sh", program, ...args], {
    env: { ...plainEnvironment(), ...environment, HOLDFAST_SERVER: directory },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
  });
  const said = lastWords(child);
  const url = `http://127.0.0.1:${port}`;
  const end = (): void => killGroup(child);
  process.once("exit", end);
  const stop = async (): Promise<void> => {
    process.off("exit", end);
    killGroup(child);
    if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once("exit", resolve));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await ready(name, child, `${url}${recipe.ready}`, said);
  } catch (error) {
    await stop();
    throw error;
  }
  const { version, accessKeyId, secretAccessKey, owner } = recipe;
  return { name, version, url, accessKeyId, secretAccessKey, owner, directory, pid: child.pid ?? 0, stop };
}

/**
 * A test run that is killed has no time to stop anything: a watcher in the server's process group holds a pipe of ours and, when
 * it closes, ends the group and removes the server's directory.
 */
const diesWithParent = '(cat <&3 >/dev/null 2>&1; kill -9 $$; rm -rf "$HOLDFAST_SERVER"; kill -9 0) & exec 3<&-; exec "$@"';

/** Nothing of the person's own cloud settings may reach a stand-in. */
function plainEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ["PATH", "HOME", "LANG", "TMPDIR"]) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function lastWords(child: ChildProcess): () => string {
  let text = "";
  const hear = (chunk: Buffer): void => {
    text = (text + chunk.toString("utf8")).slice(-4000);
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  child.on("error", (error) => {
    text += String(error);
  });
  return () => text;
}

async function ready(name: string, child: ChildProcess, url: string, said: () => string): Promise<void> {
  const patience = 60_000;
  for (const from = performance.now(); performance.now() - from < patience; await sleep(100)) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${name} ended before it was ready: ${said().trim().split("\n").slice(-3).join(" / ")}`);
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
      await answer.arrayBuffer();
      if (answer.status < 500) return;
    } catch {
      // not listening yet
    }
  }
  throw new Error(`${name} was not ready within ${patience / 1000} s: ${said().slice(-300)}`);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL"); // a stand-in has nothing to save
  } catch {
    // gone already
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new TypeError("no free port");
  return address.port;
}
