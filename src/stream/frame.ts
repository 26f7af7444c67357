/**
 * The frames of a stored image: standard zstd frames (RFC 8878 §3.1.1), so that `zstd -d` gives the raw bytes.
 * Zeros become RLE blocks, incompressible bytes raw blocks; both need no compressor.
 */
export const zstdMagic = 0xfd2fb528;
/** RFC 8878 §3.1.1.2.4: no block holds more. */
export const blockMax: number = 128 * 1024;
/** Magic, descriptor, 4 bytes of content size. */
export const plainHeaderBytes = 9;
/** Single segment, content size in 4 bytes, no checksum, no dictionary. */
export const plainDescriptor = 0xa0;
export const blockHeaderBytes = 3;
export const blockType = { raw: 0, rle: 1, compressed: 2 } as const;

/** Header of a frame that holds `raw` bytes without compression. */
export function plainHeader(raw: number): Buffer {
  const header = Buffer.alloc(plainHeaderBytes);
  header.writeUInt32LE(zstdMagic, 0);
  header.writeUInt8(plainDescriptor, 4);
  header.writeUInt32LE(raw, 5);
  return header;
}

/** Writes the header of a block (RFC 8878 §3.1.1.2) at `at`. */
export function writeBlockHeader(into: Buffer, at: number, type: number, size: number, last: boolean): void {
  into.writeUIntLE((size << 3) | (type << 1) | (last ? 1 : 0), at, blockHeaderBytes);
}

/** The frame of `raw` zeros: 265 bytes for 8 MiB. */
export function zeroFrame(raw: number): Buffer {
  const blocks = Math.ceil(raw / blockMax);
  const frame = Buffer.alloc(plainHeaderBytes + blocks * (blockHeaderBytes + 1));
  plainHeader(raw).copy(frame);
  for (let block = 0; block < blocks; block += 1) {
    const at = plainHeaderBytes + block * (blockHeaderBytes + 1);
    writeBlockHeader(frame, at, blockType.rle, Math.min(blockMax, raw - block * blockMax), block === blocks - 1);
  }
  return frame;
}

/** Bytes of the frame that stores `raw` bytes as they are. */
export function storedFrameBytes(raw: number): number {
  return plainHeaderBytes + Math.ceil(raw / blockMax) * blockHeaderBytes + raw;
}

/** The most that `size` raw bytes can need as an image, seek table included. */
export function storedBound(size: number, chunkBytes: number): number {
  const frames = Math.ceil(size / chunkBytes);
  return size + frames * (storedFrameBytes(chunkBytes) - chunkBytes + 8) + 17;
}
