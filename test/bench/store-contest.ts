import { type ChildProcess, spawn } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { spawnDiscardSink } from "../clouds/discard-sink.ts";
import { startServer } from "../clouds/servers.ts";
import { cacheDirectory, toolPath } from "../clouds/setup.ts";
import { makeLockedBucket } from "../suite/s3-bench.ts";

/** What a bench against an S3 sink needs: the programs, run as a user would, with the time and memory that they took. */
export type Run = { readonly seconds: number; readonly cpuSeconds: number; readonly peakMiB: number; readonly stdout: string };

/** A store that contestants write to: the discarding sink, or a real server. */
export type Store = { readonly url: string; readonly accessKeyId: string; readonly secretAccessKey: string; stop(): Promise<void> };

export async function openStore(name: string): Promise<Store> {
  if (name === "minio" || name === "versitygw") return startServer(name, cache);
  const sink = await spawnDiscardSink();
  return { url: sink.url, accessKeyId: "bench", secretAccessKey: "bench-secret", stop: () => sink.stop() };
}

const cache = cacheDirectory(process.env);
const launcher = fileURLToPath(new URL("../../src/cli/holdfast.mjs", import.meta.url));
let keys = { AWS_ACCESS_KEY_ID: "bench", AWS_SECRET_ACCESS_KEY: "bench-secret" };
const surroundings = { AWS_REGION: "us-east-1", AWS_EC2_METADATA_DISABLED: "true" };

/** Runs to the end; throws if the program says that it failed. Peak (VmHWM) and processor time are read from /proc until shortly before the end. */
export async function run(program: string, args: readonly string[]): Promise<Run> {
  const begun = performance.now();
  const child = spawn(program, args, { env: { ...process.env, ...surroundings, ...keys }, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  let peakMiB = 0;
  let cpuSeconds = 0;
  const watch = setInterval(() => {
    peakMiB = Math.max(peakMiB, peakOf(child));
    cpuSeconds = Math.max(cpuSeconds, cpuOf(child));
  }, 50);
  const [code] = await once(child, "close");
  clearInterval(watch);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${stderr}`);
  return { seconds: (performance.now() - begun) / 1000, cpuSeconds, peakMiB, stdout };
}

function peakOf(child: ChildProcess): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** User and system time of a running process and its threads, in seconds: fields 14 and 15 of proc(5)'s stat, in ticks of 10 ms. */
export function cpuOf(child: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

export async function prepareHome(folder: string, store: Store): Promise<string> {
  keys = { AWS_ACCESS_KEY_ID: store.accessKeyId, AWS_SECRET_ACCESS_KEY: store.secretAccessKey };
  const endpoint = store.url;
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, "holdfast.yaml"),
    `vaults:\n  main: {kind: s3, bucket: evidence, region: us-east-1, mode: compliance, retain: 1d, endpoint: "${endpoint}", pathStyle: true}\ndefaultVault: main\n`,
  );
  await makeLockedBucket({ endpoint, credentials: store, bucket: "evidence" });
  await run(process.execPath, [launcher, "--home", home, "--no-input", "init"]);
  return home;
}

/** Everything included: hash, sign, complete, read back, ledger. It counts only if it ends sealed, with the right digest. */
export async function holdfast(home: string, file: string, sha256: string | null): Promise<Run> {
  const args = ["--kind", "disk-image", "--disk", file, "--vault", "main"];
  const result = await run(process.execPath, [
    launcher,
    "--home",
    home,
    "--json",
    "--no-input",
    "collect",
    "host:local",
    "--case",
    "B",
    "--reason",
    "bench",
    ...args,
  ]);
  const exhibit = JSON.parse(result.stdout).collections[0].exhibits[0];
  if (exhibit.stored.sealed !== true) throw new Error(`not sealed: ${result.stdout}`);
  if (sha256 !== null && exhibit.sha256 !== sha256) throw new Error(`digest ${exhibit.sha256} and not ${sha256}`);
  return result;
}

export async function rclone(endpoint: string, file: string): Promise<Run> {
  const remote = [
    "--s3-provider=Other",
    `--s3-endpoint=${endpoint}`,
    "--s3-env-auth",
    "--s3-region=us-east-1",
    "--s3-force-path-style",
    "--s3-no-check-bucket",
    "--s3-chunk-size=16M",
    "--s3-upload-concurrency=4",
  ];
  return await run(toolPath(cache, "rclone"), ["copyto", file, `:s3:evidence/rclone-${Date.now()}`, "--config=", ...remote]);
}

export async function awsCopy(endpoint: string, file: string): Promise<Run> {
  return await run(toolPath(cache, "aws"), ["s3", "cp", file, `s3://evidence/aws-${Date.now()}`, "--endpoint-url", endpoint, "--no-progress"]);
}

/** One program after the other, as a person types them. */
export async function after(first: Promise<Run>, second: () => Promise<Run>): Promise<Run> {
  const one = await first;
  const two = await second();
  return {
    seconds: one.seconds + two.seconds,
    cpuSeconds: one.cpuSeconds + two.cpuSeconds,
    peakMiB: Math.max(one.peakMiB, two.peakMiB),
    stdout: one.stdout + two.stdout,
  };
}

/** A file of `size` bytes with `data` bytes that no program can shorten, in 32 places evenly apart. */
export async function makeImage(path: string, size: number, data: number): Promise<void> {
  await using file = await open(path, "w");
  await file.truncate(size);
  const places = data === size ? 1 : 32;
  for (let place = 0; place < places; place += 1) await fillNoise(file, Math.floor((size / places) * place), Math.floor(data / places));
  await file.sync();
}

async function fillNoise(file: FileHandle, from: number, length: number): Promise<void> {
  const block = Buffer.alloc(Math.min(length, 8 * 1024 ** 2));
  for (let at = 0; at < length; at += block.length) {
    const piece = randomFillSync(block).subarray(0, length - at);
    await file.write(piece, 0, piece.length, from + at);
  }
}

/** Interleaved, each round beginning with another: what a noisy machine does to one, it does to all. */
export async function interleave(names: readonly string[], rounds: number, once: (name: string) => Promise<Run>): Promise<ReadonlyMap<string, readonly Run[]>> {
  const results = new Map<string, Run[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (let i = 0; i < names.length; i += 1) {
      const name = names[(round + i) % names.length] ?? "";
      const result = await once(name);
      results.get(name)?.push(result);
      console.error(`round ${round + 1} ${name}: ${result.seconds.toFixed(2)} s, ${result.cpuSeconds.toFixed(2)} CPU-s, ${result.peakMiB.toFixed(0)} MiB`);
    }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}

export function report(bench: string, found: object): void {
  mkdirSync("bench-results", { recursive: true });
  const system = `${process.platform} ${release()}, ${cpus().length} cpus`;
  writeFileSync(`bench-results/${bench}.json`, `${JSON.stringify({ schema: "holdfast.bench/1", bench, node: process.version, system, ...found }, null, 1)}\n`);
}
