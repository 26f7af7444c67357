import type { FileHandle } from "node:fs/promises";
import { diskImage } from "../../../collectors/host/disk-image.ts";
import type { ReadAt } from "../../../collectors/host/patient-read.ts";
import type { RangeSource } from "../../../src/core/source.ts";
import { placeAt, signal } from "./gathering.ts";

const here = placeAt("/");

export async function openImage(path: string, readFrom?: (handle: FileHandle) => ReadAt): Promise<RangeSource> {
  const opened = await diskImage(here, path, readFrom);
  if (opened.kind !== "source" || opened.source.kind !== "ranges") throw new Error("ranges were expected");
  return opened.source;
}

export async function readAll(source: RangeSource, chunk = 100_000): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < source.size; ) {
    const into = Buffer.alloc(Math.min(chunk, source.size - at), 0xee);
    const got = await source.read(into, at, signal);
    pieces.push(into.subarray(0, got));
    if (got === 0) break;
    at += got;
  }
  return Buffer.concat(pieces);
}
