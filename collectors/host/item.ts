import type { FileOutcome, ManifestLine } from "../../src/stream/archive-manifest.ts";
import type { ReadAt } from "./patient-read.ts";

/** One thing that a room wants in its archive, in the order in which it is to be taken. */
export type Item =
  | FileItem
  /** Output of a command, or a table derived from members: bytes that are already here. */
  | { readonly kind: "made"; readonly member: string; readonly source: string; readonly bytes: Buffer; readonly reason: string | null }
  | RangeItem
  /** Something to be named without bytes. Outcomes that explain a lack become gaps. */
  | { readonly kind: "named"; readonly line: ManifestLine };

export type FileItem = {
  readonly kind: "file";
  /** Absolute on the machine. */
  readonly path: Buffer;
  /** Name in the archive where it is not `root` + path. */
  readonly member: string | null;
  /** Kernel files have no true length: they are read whole first, to `kernelFileLimit`. */
  readonly read: "stream" | "kernel";
  /** What it means when it is not there: not installed here, its process has ended, or a gap. */
  readonly absent: Extract<FileOutcome, "absent" | "vanished" | "unavailable">;
  /** Only for /proc/PID/exe, which is a link to bytes that may have no name any more. */
  readonly follow: boolean;
  /** What a pipe, socket or device is: in a place we chose, a thing of the system without bytes; in a log folder, a gap. */
  readonly special: Extract<FileOutcome, "recorded" | "unavailable">;
};

/** A run of memory: its length is known before it is read, and pages in it may not be readable. */
export type RangeItem = { readonly kind: "range"; readonly member: string; readonly source: string; readonly size: number; readonly readAt: ReadAt };

export const kernelFileLimit: number = 64 * 1024 * 1024;

export function fileItem(path: Uint8Array | string, absent: FileItem["absent"]): FileItem {
  const bytes = Buffer.from(path);
  return { kind: "file", path: bytes, member: null, read: isKernelFile(bytes) ? "kernel" : "stream", absent, follow: false, special: "recorded" };
}

export function isKernelFile(path: Uint8Array): boolean {
  const text = Buffer.from(path).toString("latin1");
  return text.startsWith("/proc/") || text.startsWith("/sys/") || text === "/dev/kmsg";
}
