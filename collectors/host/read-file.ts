import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { describeError, systemCode } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import type { FileOutcome } from "../../src/stream/archive-manifest.ts";

const piece = 256 * 1024;

/**
 * Opens without waiting (a pipe nobody writes would else hang for ever), without following a link that was put in the
 * file's place, and, where our rights allow, without changing the access time that is itself evidence.
 */
export async function openQuietly(path: Buffer, how: { readonly follow: boolean; readonly kernel: boolean }): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (how.follow ? 0 : constants.O_NOFOLLOW);
  const noAtime = constants.O_NOATIME as number | undefined; // Linux only
  if (how.kernel || noAtime === undefined) return open(path, flags);
  try {
    return await open(path, flags | noAtime);
  } catch (error) {
    if (systemCode(error) !== "EPERM") throw error;
    return open(path, flags);
  }
}

/** Everything to the end, or to `limit`. The kernel's log answers EAGAIN at its end, and EPIPE where it has overwritten itself. */
export async function readWhole(handle: FileHandle, limit: number, signal: AbortSignal): Promise<{ readonly bytes: Buffer; readonly cut: boolean }> {
  const pieces: Buffer[] = [];
  let total = 0;
  const scratch = Buffer.allocUnsafeSlow(64 * 1024);
  for (;;) {
    signal.throwIfAborted();
    const got = await readOnce(handle, scratch);
    if (got === 0) return { bytes: Buffer.concat(pieces), cut: false };
    if (got === null) continue;
    if (total + got > limit) return { bytes: Buffer.concat([...pieces, scratch.subarray(0, limit - total)]), cut: true };
    pieces.push(Buffer.from(scratch.subarray(0, got)));
    total += got;
  }
}

async function readOnce(handle: FileHandle, into: Buffer): Promise<number | null> {
  try {
    return (await handle.read(into, 0, into.length, null)).bytesRead;
  } catch (error) {
    if (systemCode(error) === "EAGAIN") return 0;
    if (systemCode(error) === "EPIPE") return null;
    throw error;
  }
}

/** Up to `length` bytes from `offset`; fewer only at the end of the file. A fresh buffer each time: whoever reads may keep it. */
export async function readPiece(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const into = Buffer.allocUnsafe(Math.min(piece, length));
  let got = 0;
  while (got < into.length) {
    const { bytesRead } = await handle.read(into, got, into.length - got, offset + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return into.subarray(0, got);
}

/** What a failed system call means for one file, and the sentence for it. */
export function explain(
  error: unknown,
  file: { readonly absent: FileOutcome; readonly kernel: boolean },
): { readonly outcome: FileOutcome; readonly reason: string } {
  const code = systemCode(error);
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return {
        outcome: file.absent,
        reason:
          file.absent === "absent"
            ? "not there"
            : file.absent === "vanished"
              ? "the process ended before it was read"
              : "gone before it could be read, or never there",
      };
    case "ESRCH":
      return { outcome: "vanished", reason: "the process ended before it was read" };
    case "EACCES":
    case "EPERM":
      return { outcome: "denied", reason: `reading it is not allowed (${code})` };
    case "ELOOP":
      return { outcome: "unavailable", reason: "a link was put in its place, or its links lead in a circle (ELOOP)" };
    case "ENXIO":
    case "ENODEV":
    case "EOPNOTSUPP":
    case "ENODATA":
    case "EINVAL":
    case "EIO":
      if (file.kernel) return { outcome: "no-value", reason: `the kernel gives no value (${code})` };
      return { outcome: code === "EIO" ? "failed" : "unavailable", reason: `cannot be read (${code})` };
    case "ENAMETOOLONG":
      return { outcome: "unavailable", reason: "its path is longer than the system can open (ENAMETOOLONG)" };
    default:
      return { outcome: "failed", reason: code === undefined ? printable(describeError(error)) : `cannot be read (${code})` };
  }
}

export function typeOf(stat: BigIntStats): string {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "link";
  if (stat.isFIFO()) return "pipe";
  if (stat.isSocket()) return "socket";
  if (stat.isBlockDevice()) return "block-device";
  return stat.isCharacterDevice() ? "character-device" : "unknown";
}
