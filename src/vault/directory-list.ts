import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError, systemCode } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { Listed } from "../core/vault.ts";
import { isMarked } from "./directory-marker.ts";
import { isOwnFile } from "./directory-paths.ts";

/** Walks the folders that can hold such keys. A directory has no versions. */
export async function* listDirectory(root: string, prefix: string, after: string | null, signal: AbortSignal): AsyncGenerator<Listed, void, undefined> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  if (folder.split("/").some((segment) => segment === "." || segment === ".."))
    throw new HoldfastError("usage", `${printable(prefix)}: a list of a directory vault begins with plain segments`);
  // An empty folder may be the mount point of a disk that is not there: it is not taken for a vault from which all was deleted.
  if (!(await isMarked(root)) && (await namesIn(root)).length > 0)
    throw new HoldfastError("vault", `${printable(root)} holds files and is not marked as a vault; correct its path, or mount its disk`);
  yield* walk(root, folder, prefix, after, signal);
}

async function* walk(root: string, folder: string, prefix: string, after: string | null, signal: AbortSignal): AsyncGenerator<Listed, void, undefined> {
  signal.throwIfAborted();
  const entries = (await namesIn(join(root, folder)))
    .filter((entry) => !isOwnFile(entry.name))
    .map((entry) => ({ entry, key: `${folder}${entry.name}${entry.isDirectory() ? "/" : ""}` }))
    // With the slash that a folder's keys go on with: `a.b` comes before `a/b`.
    .sort((a, b) => byBytes(a.key, b.key));
  for (const { entry, key } of entries) {
    if (entry.isDirectory()) {
      // Of keys after `after` a folder holds some unless all of them come before it.
      const before = after !== null && byBytes(key, after) < 0 && !after.startsWith(key);
      if ((key.startsWith(prefix) || prefix.startsWith(key)) && !before) yield* walk(root, key, prefix, after, signal);
    } else if (key.startsWith(prefix) && (after === null || byBytes(key, after) > 0)) {
      const { size, mtime } = await lstat(join(root, key));
      yield { key, version: null, bytes: size, modified: mtime.toISOString() };
    }
  }
}

async function namesIn(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
