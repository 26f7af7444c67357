import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Seeded } from "./seeded.ts";

const child = fileURLToPath(new URL("fail-child.ts", import.meta.url));
const ACTS = 12;

/** A storage that fails in one way. `hit`: whether the fault came into play; null where that cannot be seen from outside. */
export type Fault = {
  readonly name: string;
  /** Nothing that needs this storage can succeed once it has failed. */
  readonly lasting: boolean;
  readonly ledgerDir: string;
  readonly headDir: string;
  readonly mirrorDir: string;
  /** `more`: arguments of the writer beyond folders and count. */
  run(more: readonly string[]): Promise<{ readonly out: string; readonly hit: boolean | null }>;
  /** What was broken works again. */
  heal(): void;
};

/** A system call on one file made to fail by strace: which file, which call, which error, from which call on. */
export function injectedFault(dir: string, random: Seeded): Fault {
  const file = random.pick(["ledger.db-wal", "ledger.db-wal", "head.db-wal", "head.db-wal", "ledger.db", "head.db"]);
  const call = random.pick(["fsync", "pwrite64"]);
  const error = random.pick(["EIO", "ENOSPC"]);
  const from = 1 + random.int(call === "fsync" ? 6 : 30);
  const lasting = random.int(2) === 0;
  const log = join(dir, "strace.log");
  const inject = `inject=${call}:error=${error}:when=${from}${lasting ? "+" : ""}`;
  return {
    name: `${call} on ${file} fails with ${error} the ${from}. time${lasting ? " and ever after" : ""}`,
    lasting: lasting && file.endsWith("-wal"),
    ledgerDir: dir,
    headDir: dir,
    mirrorDir: join(dir, "mirror"),
    async run(more) {
      const how = ["-f", "-qq", "-o", log, "-e", `trace=${call}`, "-e", inject, "-P", join(dir, file)];
      const out = await runChild("strace", [...how, process.execPath, child, dir, dir, String(ACTS), ...more]);
      return { out, hit: readFileSync(log, "utf8").includes("INJECTED") };
    },
    heal: () => rmSync(log, { force: true }),
  };
}

export type SmallDisk = { readonly dir: string; [Symbol.dispose](): void };

/** A file system of 8 MiB of its own (ext4 on a loop device). Throws where there is no right to make one. */
export function smallDisk(): SmallDisk {
  const base = mkdtempSync(join(tmpdir(), "holdfast-small-"));
  const [image, dir] = [join(base, "image"), join(base, "mounted")];
  writeFileSync(image, "");
  truncateSync(image, 8 * 1024 * 1024);
  execFileSync("mkfs.ext4", ["-q", "-F", image], { stdio: "ignore" });
  mkdirSync(dir);
  try {
    execFileSync("mount", ["-o", "loop", image, dir], { stdio: "ignore" });
  } catch (error) {
    rmSync(base, { recursive: true });
    throw error;
  }
  return {
    dir,
    [Symbol.dispose]() {
      execFileSync("umount", [dir]);
      rmSync(base, { recursive: true });
    },
  };
}

export type FullDisk = "ledger" | "head" | "mirror";

/** The disk of one of the two databases, or of the mirror, has `left` bytes, and no more until it is healed. */
export function fullDisk(disk: SmallDisk, dir: string, which: FullDisk, random: Seeded): Fault {
  const left = random.int(200) * 1024;
  const filler = join(disk.dir, "filler");
  return {
    name: `the disk of ${which === "mirror" ? "the mirror" : `${which}.db`} has ${left / 1024} KiB left`,
    lasting: false, // a smaller act may find room where a larger one did not
    ledgerDir: which === "ledger" ? join(disk.dir, "home") : dir,
    headDir: which === "head" ? join(disk.dir, "home") : dir,
    mirrorDir: which === "mirror" ? join(disk.dir, "home") : join(dir, "mirror"),
    async run(more) {
      const { bavail, bsize } = statfsSync(disk.dir);
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - left)));
      const out = await runChild(process.execPath, [child, this.ledgerDir, this.headDir, String(which === "mirror" ? ACTS : ACTS * 8), ...more]);
      return { out, hit: null };
    },
    heal: () => rmSync(filler),
  };
}

function runChild(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(stderr.slice(0, 600), { cause: error })),
    );
  });
}

export function hasStrace(): boolean {
  try {
    execFileSync("strace", ["-qq", "-o", "/dev/null", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
