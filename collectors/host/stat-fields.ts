import type { BigIntStats } from "node:fs";
import { printable } from "../../src/core/printable.ts";
import { isoNs, type ManifestLine } from "../../src/stream/archive-manifest.ts";

/** What a manifest line says of a file of this machine. */
export function statFields(stat: BigIntStats, owner: string): Partial<ManifestLine> {
  return {
    mtime: isoNs(stat.mtimeNs),
    ctime: isoNs(stat.ctimeNs),
    atime: isoNs(stat.atimeNs),
    // 0 means that the filesystem keeps no birth time.
    ...(stat.birthtimeNs > 0n ? { birthtime: isoNs(stat.birthtimeNs) } : {}),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    owner: printable(owner),
    mode: `0${(Number(stat.mode) & 0o7777).toString(8).padStart(3, "0")}`,
    inode: String(stat.ino),
    device: String(stat.dev),
    links: String(stat.nlink),
  };
}
