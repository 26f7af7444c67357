import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type Detached = { readonly collection: string; readonly log: string; readonly pid: number | null };

/** Drives a registered collection in a process of its own, which outlives this one; what it says goes to a log in the home. */
export function inBackground(paths: { readonly home: string; readonly config: string }, collection: string): Detached {
  const folder = join(paths.home, "logs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = join(folder, `${collection}.log`);
  const file = openSync(log, "a", 0o600);
  const launcher = fileURLToPath(new URL("./holdfast.mjs", import.meta.url));
  const child = spawn(
    process.execPath,
    [launcher, "--home", paths.home, ...(existsSync(paths.config) ? ["--config", paths.config] : []), "--no-input", "resume", collection],
    { detached: true, stdio: ["ignore", file, file] },
  );
  child.unref();
  closeSync(file);
  return { collection, log, pid: child.pid ?? null };
}
