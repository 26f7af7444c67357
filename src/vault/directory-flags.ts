import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Sets the immutable flag (chattr(1), needs CAP_LINUX_IMMUTABLE) and says what lsattr(1) shows afterwards. Where tool,
 * filesystem or rights are missing, the flag is not set, and reading it back says so: nothing is assumed from the exit code.
 */
export async function setImmutable(path: string): Promise<void> {
  try {
    await run("chattr", ["+i", path], { timeout: 10_000 });
  } catch {
    // No right, no such flag on this filesystem, or no such tool: isImmutable() reads back what is so.
  }
}

/** Takes the flag away before a disposal; where that fails, so does the removal, and says why. */
export async function clearImmutable(path: string): Promise<void> {
  try {
    await run("chattr", ["-i", path], { timeout: 10_000 });
  } catch {
    // No such flag here, or no right to clear it: unlink(2) answers.
  }
}

/** True or false as lsattr says; null where it could not be asked. */
export async function isImmutable(path: string): Promise<boolean | null> {
  try {
    const { stdout } = await run("lsattr", ["-d", path], { timeout: 10_000 });
    const flags = /^(\S+) /.exec(stdout)?.[1];
    return flags === undefined ? null : flags.includes("i");
  } catch {
    return null;
  }
}
