import { type BigIntStats, constants, fstatSync } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Opened } from "../../src/core/collector.ts";
import { systemCode } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import type { RangeSource, SourceReport } from "../../src/core/source.ts";
import { blockDevice, fileInUse } from "./block-device.ts";
import { holeRead, openForHoles } from "./hole-read.ts";
import { isOwn, onPlace, type Place } from "./place.ts";
import { patientReader, type ReadAt } from "./patient-read.ts";
import { explain, typeOf } from "./read-file.ts";

/** What a disk or image file is, before anything of it is read. */
export type DiskLook =
  | { readonly kind: "disk"; readonly size: number; readonly device: boolean; readonly uses: readonly string[] }
  | { readonly kind: "none"; readonly outcome: "denied" | "unavailable"; readonly detail: string };

export async function lookAtDisk(place: Place, given: string): Promise<DiskLook> {
  const path = resolve(given);
  let found: BigIntStats;
  try {
    if (isOwn(place, await realpath(onPlace(place, path), { encoding: "buffer" })))
      return { kind: "none", outcome: "unavailable", detail: `${printable(path)} lies in a folder of Holdfast itself; copy it elsewhere first` };
    found = await stat(onPlace(place, path), { bigint: true });
    await (await open(onPlace(place, path), constants.O_RDONLY | constants.O_NONBLOCK)).close();
  } catch (error) {
    return none(path, error);
  }
  if (found.isFile()) return { kind: "disk", size: Number(found.size), device: false, uses: await fileInUse(place, path) };
  if (!found.isBlockDevice())
    return { kind: "none", outcome: "unavailable", detail: `${printable(path)} is a ${typeOf(found)}; --disk takes a block device or an image file` };
  const device = await blockDevice(place, found.rdev);
  if (device === null)
    return {
      kind: "none",
      outcome: "unavailable",
      detail: `${printable(path)}: the kernel does not list this block device under /sys/dev/block, so its size is not known`,
    };
  return { kind: "disk", size: device.size, device: true, uses: device.uses };
}

/** `readFrom` turns the opened file into its reads; tests put bad sectors and shrinking devices there. */
export async function diskImage(place: Place, given: string, readFrom: (handle: FileHandle) => ReadAt = plainRead): Promise<Opened> {
  const look = await lookAtDisk(place, given);
  if (look.kind === "none") return look;
  const path = resolve(given);
  let handle: FileHandle;
  try {
    handle = await open(onPlace(place, path), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return none(path, error);
  }
  const opened = await handle.stat({ bigint: true });
  const direct = look.device ? null : await openForHoles(onPlace(place, path), opened);
  const readAt = direct === null ? readFrom(handle) : holeRead(direct, readFrom(handle));
  return { kind: "source", source: imageSource(path, direct === null ? [handle] : [handle, direct], opened, look, readAt) };
}

function imageSource(
  path: string,
  handles: readonly [FileHandle, ...FileHandle[]],
  opened: BigIntStats,
  look: Extract<DiskLook, { kind: "disk" }>,
  readAt: ReadAt,
): RangeSource {
  // The file may have grown between the look and the opening; the opened one counts.
  const size = look.device ? look.size : Number(opened.size);
  const reader = patientReader(readAt, 512);
  let endedAt: number | null = null;
  let closed: SourceReport | null = null;

  const report = (): SourceReport => {
    const bad = reader.bad();
    const said: string[] = [];
    if (look.uses.length > 0) said.push(`live: ${look.uses.join(", ")}; the image is not of one moment and cannot be re-read as the same evidence`);
    const problems: string[] = [];
    if (bad.length > 0)
      problems.push(`${bad.reduce((sum, extent) => sum + extent.length, 0)} bytes in ${bad.length} places could not be read and are zeros (EIO)`);
    if (endedAt !== null) problems.push(`it promised ${size} bytes and ended at ${endedAt}`);
    if (!look.device) {
      const now = fstatSync(handles[0].fd, { bigint: true });
      if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) problems.push(`source changed while it was read (size ${opened.size} → ${now.size})`);
    }
    const gaps = [
      ...bad.map((extent) => ({
        what: `bytes ${extent.offset}-${extent.offset + extent.length - 1}`,
        outcome: "failed" as const,
        reason: "read error (EIO); zeros in the image",
      })),
      ...(endedAt === null
        ? []
        : [{ what: `bytes ${endedAt}-${size - 1}`, outcome: "truncated" as const, reason: "the source ended before its promised size" }]),
    ];
    const detail = [...problems, ...said].join("; ");
    return {
      outcome: problems.length > 0 ? "truncated" : size === 0 ? "empty" : "collected",
      detail: detail === "" ? null : detail,
      coverage: { asked: null, got: null, gaps: gaps.slice(0, 1000) },
      files: null,
      bad,
    };
  };

  return {
    kind: "ranges",
    name: printable(path),
    mediaType: "application/octet-stream",
    store: "image",
    size,
    stable: look.uses.length === 0,
    identity: look.device ? null : `${opened.size} ${opened.mtimeNs} ${opened.ctimeNs} ${opened.dev}:${opened.ino}`,
    holes: [],
    async read(into, offset, signal) {
      const wanted = Math.max(0, Math.min(into.length, size - offset));
      const got = wanted === 0 ? 0 : await reader.read(into.subarray(0, wanted), offset, signal);
      if (got < wanted) endedAt = Math.min(endedAt ?? size, offset + got);
      return got;
    },
    report: () => closed ?? report(),
    async close() {
      if (closed !== null) return;
      closed = report();
      for (const handle of handles) await handle.close();
    },
  };
}

function plainRead(handle: FileHandle): ReadAt {
  return async (into, offset) => (await handle.read(into, 0, into.length, offset)).bytesRead;
}

function none(path: string, error: unknown): Extract<DiskLook, { kind: "none" }> {
  const { outcome, reason } = explain(error, { absent: "unavailable", kernel: false });
  if (systemCode(error) === undefined) throw error;
  return {
    kind: "none",
    outcome: outcome === "denied" ? "denied" : "unavailable",
    detail: `${printable(path)}: ${systemCode(error) === "ENOENT" ? "there is no such file or device" : reason}`,
  };
}
