import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { documents } from "../../src/core/schema/documents.ts";

/** The program under test: the clone's launcher, or that of an unpacked tarball. */
export const launcher: string = process.env["HOLDFAST_UNDER_TEST"] ?? fileURLToPath(new URL("../../src/cli/holdfast.mjs", import.meta.url));

export type Ran = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stdout: string; readonly stderr: string };

export type RunOptions = {
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Run as this ordinary user (needs root). */
  readonly uid?: number;
  readonly input?: string;
  readonly cwd?: string;
};

/** Starts holdfast as its own process, as a user would. */
export function startHoldfast(args: readonly string[], options: RunOptions = {}): { readonly child: ChildProcess; readonly ended: Promise<Ran> } {
  const env = { ...process.env, ...(options.home === undefined ? {} : { HOLDFAST_HOME: options.home }), NO_COLOR: "1", ...options.env };
  const command = [process.execPath, launcher, ...args];
  const [file, ...rest] = options.uid === undefined ? command : ["setpriv", `--reuid=${options.uid}`, `--regid=${options.uid}`, "--clear-groups", ...command];
  const child = spawn(file ?? "", rest, { env, cwd: options.cwd ?? tmpdir(), stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(options.input ?? "");
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

export async function holdfast(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return startHoldfast(args, options).ended;
}

/** Whether tests can run holdfast as an ordinary user: root, with setpriv, in a folder that others may read. */
export const canBecomeOther: boolean =
  process.getuid?.() === 0 &&
  spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, launcher, "--version"], { stdio: "ignore" }).status === 0;

const ajv = new Ajv2020.Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);

/** Runs with --json and checks the document against its shipped schema. */
export async function holdfastJson<T>(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number | null; readonly json: T; readonly stderr: string }> {
  const ran = await holdfast(["--json", ...args], options);
  let json: { readonly schema: string } & T;
  try {
    json = JSON.parse(ran.stdout);
  } catch {
    throw new Error(`not one JSON document: exit ${ran.code}\nstdout ${ran.stdout.slice(0, 2000)}\nstderr ${ran.stderr.slice(0, 4000)}`);
  }
  const name = /^holdfast\.([a-z-]+)\/1$/.exec(json.schema)?.[1] ?? "";
  const schema = documents[name];
  if (schema === undefined) throw new Error(`the document says ${json.schema}, and no such schema is shipped`);
  const valid: boolean = ajv.validate(schema, json);
  if (!valid) throw new Error(`${json.schema} does not validate: ${ajv.errorsText()}\n${ran.stdout.slice(0, 4000)}`);
  return { code: ran.code, json, stderr: ran.stderr };
}

/** A temporary folder that is removed when the scope ends. */
export function temporary(prefix: string): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), `holdfast-${prefix}-`));
  return {
    path,
    [Symbol.dispose]() {
      // What a directory vault made immutable must be let go first; only root's vaults are.
      if (process.getuid?.() === 0) spawnSync("chattr", ["-R", "-f", "-i", path], { stdio: "ignore" });
      rmSync(path, { recursive: true, force: true });
    },
  };
}

export type CollectJson = {
  readonly outcome: string;
  readonly collections: readonly {
    readonly collection: string;
    readonly outcome: string;
    readonly exhibits: readonly ExhibitJson[];
  }[];
  readonly checkpoint: { readonly origin: string; readonly size: string; readonly root: string };
};
export type ExhibitJson = {
  readonly id: string;
  readonly kind: string;
  readonly outcome: string;
  readonly detail: string | null;
  readonly bytes: string;
  readonly sha256: string | null;
  readonly coverage: { readonly gaps: readonly { readonly what: string; readonly outcome: string; readonly reason: string }[] } | null;
  readonly stored: {
    readonly uri: string;
    readonly version: string | null;
    readonly sealed: boolean;
    readonly lock: string;
    readonly mode: string | null;
    readonly retainUntil: string | null;
    readonly bytes: string;
    readonly text: string;
    readonly problems: readonly string[];
  } | null;
};
export type VerifyJson = {
  readonly verdict: string;
  readonly assurance: string;
  readonly recorded: boolean;
  readonly ledger: { readonly verdict: string; readonly size: string; readonly problems: readonly { readonly kind: string; readonly text: string }[] };
  readonly exhibits: readonly { readonly id: string; readonly verdict: string; readonly method: string; readonly text: string }[];
};
