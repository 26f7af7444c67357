import { open } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../core/error.ts";
import { exists, syncDirectory } from "./directory-paths.ts";

/** No key can have this name (objectPath). */
const marker = ".holdfast-vault";

/**
 * Says, durably, that this directory is a vault. A disk that is not mounted leaves its mount point, an empty directory: without a
 * mark, every exhibit would seem to have been deleted there.
 */
export async function markRoot(root: string): Promise<void> {
  const path = join(root, marker);
  if (await exists(path)) return;
  try {
    await using handle = await open(path, "wx", 0o444);
    await handle.writeFile("The evidence vault of a Holdfast home. Do not remove this file: it tells a vault from an empty mount point.\n");
    await handle.sync();
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error; // another put marked it first
  }
  await syncDirectory(root);
}

export async function isMarked(root: string): Promise<boolean> {
  return exists(join(root, marker));
}
