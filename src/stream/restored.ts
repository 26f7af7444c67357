import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { type Sha256, sha256OfBytes } from "../core/digest.ts";
import type { StoredChecksum } from "../core/lock.ts";
import type { RawDigest } from "../core/part.ts";
import { StoredDigester, storedChecksum } from "./composite.ts";
import { type ReadStored, type RestoredChunk, restoreRaw } from "./restore.ts";
import { eachZeroBlock } from "./zeros.ts";

/** Digests restored bytes, to be compared with what was recorded. */
export async function hashRestored(chunks: AsyncIterable<RestoredChunk>): Promise<RawDigest> {
  return await takeRestored(chunks, async () => {});
}

/**
 * Writes restored bytes from the start of an empty file and digests them on the way; runs of zeros become holes where the
 * filesystem has them. Only the caller knows the recorded digest: until it has compared, the file is not the evidence.
 */
export async function writeRestored(file: FileHandle, chunks: AsyncIterable<RestoredChunk>): Promise<RawDigest> {
  const written = await takeRestored(chunks, async (bytes, at) => {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
  });
  await file.truncate(written.bytes);
  return written;
}

async function takeRestored(chunks: AsyncIterable<RestoredChunk>, use: (bytes: Uint8Array, at: number) => Promise<void>): Promise<RawDigest> {
  const hash = createHash("sha256");
  let at = 0;
  for await (const chunk of chunks) {
    switch (chunk.kind) {
      case "bytes":
        hash.update(chunk.bytes);
        await use(chunk.bytes, at);
        at += chunk.bytes.length;
        break;
      case "zeros":
        eachZeroBlock(chunk.length, (block) => hash.update(block));
        at += chunk.length;
        break;
      default:
        throw chunk satisfies never;
    }
  }
  return { sha256: sha256OfBytes(hash.digest()), bytes: at };
}

export type Rehashed = {
  readonly raw: RawDigest;
  /** Of the stored bytes, in the form in which they were recorded; and each part's own. */
  readonly stored: StoredChecksum;
  readonly parts: readonly Sha256[];
};

/** One reading of a stored object: the digest of the raw evidence and the checksum of what is stored. Rejects as restoreRaw does. */
export async function rehashStored(
  encoding: "identity" | "zstd",
  storedBytes: number,
  recorded: StoredChecksum,
  read: ReadStored,
  signal: AbortSignal,
): Promise<Rehashed> {
  const partSize = Number(recorded.partSize);
  const digester = new StoredDigester(recorded.type === "full" ? Number.POSITIVE_INFINITY : partSize);
  const raw = await hashRestored(restoreRaw(encoding, storedBytes, read, signal, (bytes) => digester.update(bytes)));
  const parts = digester.finish();
  return { raw, stored: storedChecksum(recorded.type, parts, partSize), parts };
}
