import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoldfastError, systemCode } from "../../core/error.ts";

/** Writes the files of an export into a folder: whole under their name or not there, and durable once `sync` has returned. */
export type ExportFolder = {
  read(name: string): Promise<Buffer | null>;
  /** Never over another content: what is there already has to be the same. True if it was written now. */
  add(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Replaces; for the checkpoint, which is the one file that moves on. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** Makes the names durable that were given since the last call. */
  sync(): Promise<void>;
  /** Removes the half-written files of exports that were killed. */
  sweep(): Promise<void>;
};

const PART = ".export-";
/** No file takes this long to write, so that of an export that runs beside this one is left alone. */
const LEFTOVER_MS = 600_000;

export function exportFolder(dir: string): ExportFolder {
  const changed = new Set<string>();
  const known = new Map<string, Promise<void>>();
  const folder = (path: string): Promise<void> => {
    const made = known.get(path) ?? makeFolder(path, changed);
    known.set(path, made);
    return made;
  };
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    await folder(dirname(path));
    const part = join(dir, `${PART}${randomBytes(9).toString("hex")}`);
    try {
      const file = await open(part, "wx", 0o644);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw new HoldfastError("config", `${path} cannot be written (${systemCode(error) ?? "?"}); see that the folder can be written and has room`, error);
    }
    changed.add(dirname(path));
  };
  const read = async (name: string): Promise<Buffer | null> => {
    try {
      return await readFile(join(dir, name));
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return null;
      throw new HoldfastError("config", `${join(dir, name)} cannot be read (${code ?? "?"})`, error);
    }
  };
  return {
    read,
    async add(name, bytes) {
      const there = existsSync(join(dir, name)) ? await read(name) : null; // most are not there, and a failed open costs ten times as much
      if (there === null) {
        await put(join(dir, name), bytes);
        return true;
      }
      if (!there.equals(bytes))
        throw new HoldfastError(
          "fork",
          `${join(dir, name)} is there with other content than this ledger gives; it was damaged, or is of another history: keep it for examination and export into an empty folder`,
        );
      return false;
    },
    replace: (name, bytes) => put(join(dir, name), bytes),
    async sync() {
      // All at once, which the file system answers with few writes: the checkpoint, which speaks of what they hold, waits for all.
      const paths = [...changed];
      changed.clear();
      for (const one of await Promise.allSettled(paths.map(syncFolder))) if (one.status === "rejected") throw one.reason;
    },
    async sweep() {
      const { mtimeMs: now } = await stat(dir); // the folder changed just now, by the clock that stamps its files
      for (const name of await readdir(dir)) {
        if (!name.startsWith(PART)) continue;
        const found = await stat(join(dir, name)).catch(() => null); // another export may have finished it
        if (found !== null && now - found.mtimeMs > LEFTOVER_MS) await rm(join(dir, name), { force: true });
      }
    },
  };
}

/** A new folder is a new name in the one above it. */
async function makeFolder(path: string, changed: Set<string>): Promise<void> {
  let first: string | undefined;
  try {
    first = await mkdir(path, { recursive: true });
  } catch (error) {
    throw new HoldfastError("config", `the folder ${path} cannot be made (${systemCode(error) ?? "?"})`, error);
  }
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) changed.add(dirname(made));
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // directories cannot be opened there
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
