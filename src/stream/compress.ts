import { constants, zstdCompressSync } from "node:zlib";
import { systemCode } from "../core/error.ts";

/** Never changed without a new format: a resumed run must give the bytes that the interrupted one gave. */
const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
const outputPiece = 1024 * 1024;

/** One zstd frame of `chunk` with its content checksum, or null where it would not be shorter than `limit` bytes. */
export function compressChunk(chunk: Uint8Array, limit: number): Buffer | null {
  try {
    const frame = zstdCompressSync(chunk, { params, chunkSize: outputPiece, maxOutputLength: limit, pledgedSrcSize: chunk.length });
    return frame.length < limit ? frame : null;
  } catch (error) {
    if (systemCode(error) === "ERR_BUFFER_TOO_LARGE") return null;
    throw error;
  }
}

/** The content checksum that ends a frame written by compressChunk. */
export function frameCheck(frame: Uint8Array): number {
  return Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).readUInt32LE(frame.byteLength - 4);
}
