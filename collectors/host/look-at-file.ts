import type { BigIntStats } from "node:fs";
import { type FileHandle, lstat, readlink } from "node:fs/promises";
import type { FileItem } from "./item.ts";
import type { ManifestLine } from "../../src/stream/archive-manifest.ts";
import { statFields } from "./stat-fields.ts";
import type { Names } from "./names.ts";
import { onPlace, type Place, staysInside } from "./place.ts";
import { explain, openQuietly, typeOf } from "./read-file.ts";

/** What a file turned out to be. An `open` one is a file that can be read; its handle is the caller's to close. */
export type FileLook =
  | { readonly kind: "none"; readonly line: Ending }
  | { readonly kind: "link"; readonly stat: BigIntStats; readonly target: Buffer }
  | { readonly kind: "open"; readonly handle: FileHandle; readonly stat: BigIntStats; readonly type: string };

/** The part of a manifest line that only the end of the story knows. */
export type Ending = Pick<ManifestLine, "type" | "outcome" | "reason"> & Partial<ManifestLine>;

const kernelLog = Buffer.from("/dev/kmsg");

/** Never waits for a pipe, never follows a link that it was not told to, never throws for what the file is or does. */
export async function lookAtFile(item: FileItem, place: Place, names: Names): Promise<FileLook> {
  const path = onPlace(place, item.path);
  const kernel = item.read === "kernel";
  let seen: BigIntStats | null = null;
  const none = (outcome: ManifestLine["outcome"], reason: string): FileLook => ({ kind: "none", line: { ...described(seen, names), outcome, reason } });
  try {
    if (!(await staysInside(place, item.path))) return none("unavailable", "a link on its way leads out of the collected tree");
    const stat = await lstat(path, { bigint: true });
    seen = stat;
    const type = typeOf(stat);
    if (type === "link" && !item.follow) return { kind: "link", stat, target: await readlink(path, { encoding: "buffer" }) };
    const mayRead = type === "file" || item.follow || (type === "character-device" && item.path.equals(kernelLog));
    if (type === "pipe" && !mayRead) return none(item.special, "a named pipe: reading would take its bytes from whoever they are meant for");
    if (!mayRead) return none(item.special, `a ${type}, not a file: it has no bytes of its own`);
    // sysctl's own switches: writing does something, reading is refused to root too.
    if (kernel && (Number(stat.mode) & 0o444) === 0) return none("no-value", "the kernel lets nobody read it (write-only)");
    return await openLooked(item, path, type, names);
  } catch (error) {
    const { outcome, reason } = explain(error, { absent: item.absent, kernel });
    return none(outcome, reason);
  }
}

/** Between the look and the opening anybody may have put something else there: what was opened is looked at again. */
async function openLooked(item: FileItem, path: Buffer, expected: string, names: Names): Promise<FileLook> {
  const handle = await openQuietly(path, { follow: item.follow, kernel: item.read === "kernel" });
  try {
    const stat = await handle.stat({ bigint: true });
    const type = typeOf(stat);
    if (type === "file" || type === expected) return { kind: "open", handle, stat, type };
    await handle.close();
    return { kind: "none", line: { ...described(stat, names), outcome: "unavailable", reason: "it was replaced by something else while being opened" } };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function described(stat: BigIntStats | null, names: Names): { readonly type: string } & Partial<ManifestLine> {
  return stat === null ? { type: "unknown" } : { type: typeOf(stat), ...statFields(stat, names.user(stat.uid)) };
}
