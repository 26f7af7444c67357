import { isUtf8 } from "node:buffer";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Outcome } from "../core/outcome.ts";
import { printable } from "../core/printable.ts";

/**
 * How one inner file ended. Beside the outcomes of exhibits, five that leave no gap: `recorded` (a link: its metadata is all
 * there is), `absent` (looked for, not there), `vanished` (of a process that ended meanwhile), `no-value` (a kernel file that
 * answers with an error by design), `outside-window`.
 */
export type FileOutcome = Outcome | "recorded" | "absent" | "vanished" | "no-value" | "outside-window";

/** One line of `manifest.jsonl`. Sizes are strings of digits; times RFC 3339 UTC with nanoseconds. */
export type ManifestLine = {
  /** Printable form (see printable()); the exact bytes are in `pathBase64` where the two differ. */
  readonly path: string;
  readonly pathBase64?: string;
  /** Name inside the archive, printable; null where no bytes were taken. */
  readonly member: string | null;
  readonly type: string;
  /** `file:/proc/1/maps`, `command:/usr/sbin/nft list ruleset`, `derived:/proc`. */
  readonly source: string;
  /** Real bytes of evidence taken. */
  readonly size: string;
  /** Bytes of the archive member, where zeros had to fill up what the file no longer gave. */
  readonly paddedTo?: string;
  /** Of the real bytes only. */
  readonly sha256: string | null;
  readonly link?: string;
  readonly mtime?: string;
  readonly ctime?: string;
  readonly atime?: string;
  readonly birthtime?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly owner?: string;
  readonly mode?: string;
  readonly inode?: string;
  readonly device?: string;
  readonly links?: string;
  /** Of an object of a store: as the store shows them, printable. A checksum is its algorithm's name and the value. */
  readonly etag?: string;
  readonly version?: string;
  readonly checksum?: string;
  /** Of an answer of an API: what its provider's own log knows the call by, and when it said that it answered (its Date header). */
  readonly requestId?: string;
  readonly httpStatus?: number;
  readonly date?: string;
  readonly outcome: FileOutcome;
  readonly reason: string | null;
};

export function pathFields(path: Uint8Array): { readonly path: string; readonly pathBase64?: string } {
  const shown = printable(path);
  const plain = isUtf8(path) && shown === Buffer.from(path).toString();
  return plain ? { path: shown } : { path: shown, pathBase64: Buffer.from(path).toString("base64") };
}

export function isoNs(ns: bigint): string {
  const seconds = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n);
  const fraction = ns - seconds * 1_000_000_000n;
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? `@${ns}ns` : date.toISOString().replace(/\.000Z$/, `.${fraction.toString().padStart(9, "0")}Z`);
}

/** Lines kept until the end, packed: a tree of a million files must not cost half a gigabyte of memory. */
export type ManifestBook = { add(line: ManifestLine): void; size(): number; bytes(): AsyncGenerator<Uint8Array> };

export function manifestBook(): ManifestBook {
  const packed: Buffer[] = [];
  let open: string[] = [];
  let openLength = 0;
  let total = 0;
  return {
    add(line) {
      const text = `${JSON.stringify(line)}\n`;
      const length = Buffer.byteLength(text);
      open.push(text);
      openLength += length;
      total += length;
      if (openLength < 1 << 20) return;
      packed.push(zstdCompressSync(open.join("")));
      open = [];
      openLength = 0;
    },
    size: () => total,
    async *bytes() {
      for (const chunk of packed) yield zstdDecompressSync(chunk);
      yield Buffer.from(open.join(""));
    },
  };
}
