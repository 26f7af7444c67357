import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { systemCode } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import type { Item } from "./item.ts";
import type { FileOutcome } from "../../src/stream/archive-manifest.ts";
import type { Place } from "./place.ts";

const outputLimit = 64 * 1024 * 1024;

/** A program of the machine under suspicion, by absolute path: the first of `programs` that is there. What it says is its own claim. */
export type Command = {
  readonly programs: readonly string[];
  readonly args: readonly string[];
  readonly member: string;
  readonly absent: Extract<FileOutcome, "absent" | "unavailable">;
};

/** Only for what no file gives. Never under a foreign root, where it would speak of our own machine. */
export async function commandItem(place: Place, command: Command, signal: AbortSignal): Promise<Item> {
  const words = command.args.join(" ");
  const missing = `command:${command.programs[0] ?? ""} ${words}`;
  if (place.root !== "/") return named(missing, "absent", "commands are run on the machine itself only");
  const program = await firstThere(command.programs);
  if (program === null) return named(missing, command.absent, "the program is not installed");
  const source = `command:${program} ${words}`;
  const { status, out, err, cut } = await run(program, command.args, signal);
  if (status !== 0) {
    const said = printable(err.subarray(0, 200)).trim();
    const denied = /permitted|denied|you must be root/i.test(said);
    return named(source, denied ? "denied" : "failed", `it ended with ${status}${said === "" ? "" : `: ${said}`}`);
  }
  if (cut) return named(source, "failed", `it wrote more than ${outputLimit} bytes`);
  return { kind: "made", member: command.member, source, bytes: out, reason: "output of the machine's own program" };
}

function named(source: string, outcome: FileOutcome, reason: string): Item {
  return { kind: "named", line: { path: source, member: null, type: "command", source, size: "0", sha256: null, outcome, reason } };
}

async function firstThere(programs: readonly string[]): Promise<string | null> {
  for (const program of programs) {
    try {
      await access(program, constants.X_OK);
      return program;
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    }
  }
  return null;
}

function run(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly status: number | string; readonly out: Buffer; readonly err: Buffer; readonly cut: boolean }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdio: ["ignore", "pipe", "pipe"],
      signal: AbortSignal.any([signal, AbortSignal.timeout(60_000)]),
      killSignal: "SIGKILL",
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let total = 0;
    child.stdout.on("data", (data: Buffer) => {
      total += data.length;
      if (total <= outputLimit) out.push(data);
    });
    child.stderr.on("data", (data: Buffer) => {
      if (err.length < 16) err.push(data);
    });
    child.on("error", (error) => {
      if (signal.aborted) reject(error);
      else
        resolve({
          status: error.name === "AbortError" ? "no answer within 60 s" : (systemCode(error) ?? error.name),
          out: Buffer.alloc(0),
          err: Buffer.concat(err),
          cut: false,
        });
    });
    child.on("close", (code, killed) =>
      resolve({ status: code ?? killed ?? "unknown", out: Buffer.concat(out), err: Buffer.concat(err), cut: total > outputLimit }),
    );
  });
}
