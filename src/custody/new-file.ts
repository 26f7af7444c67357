import { constants, copyFile, type FileHandle, link, lstat, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoldfastError, systemCode } from "../core/error.ts";
import type { Random } from "../core/ports.ts";
import { printable } from "../core/printable.ts";

export type NewFile = {
  readonly file: FileHandle;
  /** Flushes what was written and gives it its name, durably. Code `usage` where the name was taken meanwhile. */
  name(): Promise<void>;
  /** Removes what did not get its name. */
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * A file that appears under its name only when it is whole. Somebody else may own the folder: the unfinished file has a name that
 * cannot be foreseen, no link is followed, and nothing is overwritten or removed that was not made here.
 */
export async function openNewFile(path: string, random: Random): Promise<NewFile> {
  const partial = join(dirname(path), `.holdfast-${Buffer.from(random(16)).toString("hex")}.partial`);
  const file = await begin(path, partial);
  return {
    file,
    async name() {
      await file.sync();
      try {
        await link(partial, path);
      } catch (error) {
        if (systemCode(error) === "EEXIST") throw taken(path);
        if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(systemCode(error) ?? "")) throw unwritable(path, error);
        await copyTo(path, partial);
      }
      await syncPath(dirname(path));
    },
    async [Symbol.asyncDispose]() {
      await file.close();
      await rm(partial, { force: true });
    },
  };
}

async function begin(path: string, partial: string): Promise<FileHandle> {
  const free = await lstat(path).then(
    () => false,
    (error: unknown) => {
      if (systemCode(error) === "ENOENT") return true;
      throw unwritable(path, error);
    },
  );
  if (!free) throw taken(path);
  try {
    return await open(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** For filesystems without hard links (FAT on a memory stick): a second copy, which overwrites as little. */
async function copyTo(path: string, partial: string): Promise<void> {
  try {
    await copyFile(partial, path, constants.COPYFILE_EXCL);
  } catch (error) {
    throw systemCode(error) === "EEXIST" ? taken(path) : unwritable(path, error);
  }
  await syncPath(path);
}

async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

function taken(path: string): HoldfastError {
  return new HoldfastError("usage", `--out ${printable(path)} exists; name a new file, nothing is overwritten`);
}

function unwritable(path: string, error: unknown): HoldfastError {
  return new HoldfastError("usage", `--out ${printable(path)} cannot be written; name a file in a folder you may write to`, error);
}
