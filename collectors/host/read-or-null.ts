import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { systemCode } from "../../src/core/error.ts";
import { onPlace, type Place, staysInside } from "./place.ts";

/**
 * For what is read beside the evidence, to find or to explain it: null where it cannot be had. The same path is a member of
 * the archive, which has its outcome. Under a foreign root links are not followed: they would lead to our own files.
 */
export async function readOrNull(place: Place, path: string): Promise<Buffer | null> {
  return orNull(async () => {
    const bytes = Buffer.from(path);
    if (place.root !== "/" && (!(await staysInside(place, bytes)) || (await lstat(onPlace(place, bytes))).isSymbolicLink())) return null;
    return await readFile(onPlace(place, bytes));
  });
}

export async function textOrNull(place: Place, path: string): Promise<string | null> {
  return (await readOrNull(place, path))?.toString("utf8") ?? null;
}

/** The target of a link such as /proc/1/ns/net. */
export function linkOrNull(place: Place, path: string): Promise<Buffer | null> {
  return orNull(() => readlink(onPlace(place, path), { encoding: "buffer" }));
}

export async function namesOrNone(place: Place, directory: string): Promise<readonly string[]> {
  return (await orNull(() => readdir(onPlace(place, directory)))) ?? [];
}

/** Process numbers of /proc, ascending. */
export async function pidsOf(place: Place): Promise<readonly number[]> {
  return (await namesOrNone(place, "/proc"))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return null;
  }
}
