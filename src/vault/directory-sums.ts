import { createHash, hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { base64OfSha256, parseSha256, type Sha256 } from "../core/digest.ts";
import type { StoredChecksum } from "../core/lock.ts";

/** A reused buffer that regions of a file are read into, so that comparing costs no fresh memory. */
export type Scratch = { readonly bytes: Buffer };

export function scratchOf(size: number): Scratch {
  return { bytes: Buffer.allocUnsafeSlow(size) };
}

/** Fills as much of the scratch as the file has from `offset`, at most `length`. */
export async function readRegion(file: FileHandle, scratch: Scratch, offset: number, length: number): Promise<Buffer> {
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(scratch.bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return scratch.bytes.subarray(0, filled);
}

export async function digestRegion(file: FileHandle, scratch: Scratch, offset: number, length: number): Promise<Sha256 | null> {
  const region = await readRegion(file, scratch, offset, length);
  return region.length === length ? parseSha256(hash("sha256", region)) : null;
}

/** One part: its own digest; several: SHA-256 over the binary part digests, as S3 composes them. */
export function checksumOfParts(parts: readonly Sha256[], partSize: number): StoredChecksum {
  const [only, ...more] = parts;
  if (only !== undefined && more.length === 0) return { algorithm: "sha256", type: "full", value: base64OfSha256(only), partSize: String(partSize) };
  const composite = createHash("sha256");
  for (const part of parts) composite.update(Buffer.from(part, "hex"));
  return { algorithm: "sha256", type: "composite", value: composite.digest("base64"), partSize: String(partSize) };
}

/** The checksum of a file as it lies on the disk now. */
export async function checksumOfFile(file: FileHandle, size: number, partSize: number, signal: AbortSignal): Promise<StoredChecksum> {
  const scratch = scratchOf(Math.max(1, Math.min(partSize, size)));
  const parts: Sha256[] = [];
  for (let offset = 0; offset < size || parts.length === 0; offset += partSize) {
    signal.throwIfAborted();
    const region = await readRegion(file, scratch, offset, Math.min(partSize, size - offset));
    parts.push(parseSha256(hash("sha256", region)));
  }
  return checksumOfParts(parts, partSize);
}
