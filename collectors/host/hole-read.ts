import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { systemCode } from "../../src/core/error.ts";
import type { ReadAt } from "./patient-read.ts";

/** Both memory and file offset must be aligned for direct reads; 4096 satisfies every sector size in use. */
const alignment = 4096;

/**
 * Node has no lseek(2), so that holes cannot be asked for. Through the page cache a hole costs as much as data (0.4 GiB/s
 * measured on a small virtual machine); read directly, the filesystem only clears our buffer (19 GiB/s). Files without holes
 * are better read through the cache. Null where this file has none, or its filesystem does not read directly (tmpfs).
 */
export async function openForHoles(path: Buffer | string, stat: BigIntStats): Promise<FileHandle | null> {
  const direct = constants.O_DIRECT as number | undefined; // Linux only
  if (direct === undefined || !stat.isFile() || stat.blocks * 512n >= stat.size) return null;
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK | direct);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return null;
  }
}

/** Reads directly where file and buffer allow it; where they do not, the answer is EINVAL, and `plain` reads instead. */
export function holeRead(direct: FileHandle, plain: ReadAt): ReadAt {
  return async (into, offset) => {
    const length = into.length - (into.length % alignment);
    if (length === 0 || offset % alignment !== 0) return plain(into, offset);
    try {
      const { bytesRead } = await direct.read(into, 0, length, offset);
      return bytesRead === 0 ? await plain(into, offset) : bytesRead;
    } catch (error) {
      if (systemCode(error) !== "EINVAL") throw error;
      return plain(into, offset);
    }
  };
}
