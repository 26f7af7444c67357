import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { constants, openSync } from "node:fs";
import { type FileHandle, mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Opened } from "../../src/core/collector.ts";
import { HoldfastError, systemCode } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import type { SourceReport } from "../../src/core/source.ts";
import { type LimeFindings, limeWalker, parseIomem, type PhysicalRange } from "../../src/stream/lime.ts";
import { lookAtMemory } from "./memory-look.ts";
import { onPlace, type Place } from "./place.ts";
import { readPiece } from "./read-file.ts";

const prefix = "holdfast-memory-";

/**
 * The whole memory by AVML, through a named pipe in tmpfs: the tool refuses /dev/stdout, and a file on the suspect's disk would
 * overwrite what was deleted there. The tool is started from the very file whose digest was checked, by its descriptor, so
 * that nobody can put another in its place in between.
 */
export async function wholeMemory(place: Place): Promise<Opened> {
  const look = await lookAtMemory(place);
  if (look.kind === "none") return look;
  let tool: FileHandle;
  try {
    tool = await open(look.tool.path, "r");
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return { kind: "none", outcome: "unavailable", detail: `whole memory: the tool ${printable(look.tool.path)} cannot be read (${systemCode(error)})` };
  }
  const digest = await digestOf(tool);
  if (digest !== look.tool.sha256) {
    await tool.close();
    return {
      kind: "none",
      outcome: "unavailable",
      detail: `whole memory: ${printable(look.tool.path)} has SHA-256 ${digest}, pinned is ${look.tool.sha256}; it was not started`,
    };
  }
  return { kind: "source", source: memorySource(place, tool) };
}

function memorySource(place: Place, tool: FileHandle): Extract<Opened, { kind: "source" }>["source"] {
  const walker = limeWalker();
  let findings: LimeFindings | null = null;
  let ended: Ended | null = null;
  let total = 0;
  let ram: readonly PhysicalRange[] | null = null;
  let window: { since: string; until: string } | null = null;
  let running: Acquisition | null = null;
  let closed = false;

  return {
    kind: "stream",
    name: "memory.lime",
    mediaType: "application/x-lime",
    store: "as-is",
    size: null,
    async *bytes(signal) {
      if (running !== null) throw new HoldfastError("unexpected", "memory: a live source is read once; open it again");
      const since = place.clock().toISOString();
      ram = parseIomem(await readFile(onPlace(place, "/proc/iomem"), "latin1"));
      running = await startAcquisition(place, tool, signal);
      try {
        for await (const piece of running.pipe) {
          const bytes: Uint8Array = piece;
          walker.push(bytes);
          total += bytes.length;
          yield bytes;
        }
        ended = await running.ended;
        signal.throwIfAborted();
        findings = walker.end(ram);
        window = { since, until: place.clock().toISOString() };
      } finally {
        await running.stop();
      }
    },
    report(): SourceReport {
      if (findings === null || ended === null) throw new HoldfastError("unexpected", "memory: there is no report before the bytes have ended");
      const problems = [
        ...(ended.status === 0 ? [] : [`the memory tool ended with ${ended.status}${ended.said === "" ? "" : `: ${ended.said}`}`]),
        ...findings.problems,
      ];
      const known = ram?.reduce((sum, range) => sum + range.end - range.start + 1n, 0n);
      const walked = `${findings.records.length} records with ${findings.bytes} of ${known ?? "an unknown number of"} bytes of System RAM; blocks of zeros are left out`;
      return {
        outcome: problems.length === 0 ? "collected" : total === 0 ? "failed" : "truncated",
        detail: [...problems.slice(0, 20), walked].join("; "),
        coverage: {
          asked: null,
          got: window,
          gaps: problems
            .slice(0, 1000)
            .map((problem) => ({ what: "memory", outcome: total === 0 ? ("failed" as const) : ("truncated" as const), reason: problem })),
        },
        files: null,
        bad: [],
      };
    },
    async close() {
      if (closed) return;
      closed = true;
      await running?.stop();
      await tool.close();
    },
  };
}

type Ended = { readonly status: number | string; readonly said: string };
type Acquisition = { readonly pipe: Socket; readonly ended: Promise<Ended>; stop(): Promise<void> };

async function startAcquisition(place: Place, tool: FileHandle, signal: AbortSignal): Promise<Acquisition> {
  const directory = await mkdtemp(join(onPlace(place, "/dev/shm").toString(), `${prefix}${process.pid}-`));
  const path = join(directory, "pipe");
  let pipe: Socket;
  try {
    await makePipe(path, signal);
    // Open for reading before anybody writes, without waiting for a writer that may never come.
    // A bare descriptor: the socket will close it, and a FileHandle would close the number a second time.
    pipe = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  const child = spawn(`/proc/${process.pid}/fd/${tool.fd}`, ["acquire", "--compress", "--source", "/proc/kcore", path], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { LC_ALL: "C" },
  });
  const said = stderrOf(child);
  const ended = new Promise<Ended>((resolve) => {
    child.on("error", (error) => resolve({ status: systemCode(error) ?? error.name, said: said() }));
    child.on("close", (code, killed) => resolve({ status: code ?? killed ?? "unknown", said: said() }));
  }).then(async (result) => {
    // A tool that died before opening the pipe would leave us waiting: a writer that comes and goes ends the stream.
    await (await open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => null))?.close();
    return result;
  });
  const abort = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", abort, { once: true });
  return {
    pipe,
    ended,
    async stop() {
      signal.removeEventListener("abort", abort);
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
      pipe.destroy();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function stderrOf(child: ChildProcess): () => string {
  const pieces: Buffer[] = [];
  child.stderr?.on("data", (data: Buffer) => {
    if (pieces.length < 16) pieces.push(data);
  });
  return () => printable(Buffer.concat(pieces).subarray(0, 400)).replaceAll("\\u{a}", " ").trim();
}

/** Node cannot make a named pipe; mkfifo(1) of the machine can, and what it made is looked at by the opening above. */
async function makePipe(path: string, signal: AbortSignal): Promise<void> {
  const status = await new Promise<number | string>((resolve) => {
    const child = spawn("mkfifo", ["-m", "600", path], { stdio: "ignore", env: { PATH: "/usr/bin:/bin" }, signal });
    child.on("error", (error) => resolve(systemCode(error) ?? error.name));
    child.on("close", (code, killed) => resolve(code ?? killed ?? "unknown"));
  });
  if (status !== 0) throw new HoldfastError("unexpected", `memory: mkfifo could not make a named pipe in ${printable(dirname(path))} (${status})`);
}

async function digestOf(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  for (let offset = 0; ; ) {
    const piece = await readPiece(handle, offset, 1 << 20);
    if (piece.length === 0) return hash.digest("hex");
    hash.update(piece);
    offset += piece.length;
  }
}

/** Pipes of runs whose process is gone. One of a living run is left alone. */
export async function removeLeftPipes(place: Place): Promise<readonly string[]> {
  const shm = onPlace(place, "/dev/shm").toString();
  const found: string[] = [];
  let names: readonly string[];
  try {
    names = await readdir(shm);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
  for (const name of names) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || alive(Number(pid))) continue;
    await rm(join(shm, name), { recursive: true, force: true });
    found.push(`removed ${printable(join(shm, name))}, left by process ${pid}`);
  }
  return found;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}
