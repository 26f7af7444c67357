import { blockHeaderBytes, blockType, plainDescriptor, plainHeaderBytes, zstdMagic } from "./frame.ts";

/** What a frame's own headers say (RFC 8878 §3.1.1); nothing is decompressed. */
export type WalkedFrame = {
  /** `zero` and `stored` are the forms of frame.ts; whatever else is a frame is `compressed`. */
  readonly how: "zero" | "stored" | "compressed";
  /** Offset and length of each block of a `stored` frame inside the frame. */
  readonly blocks: readonly { readonly at: number; readonly length: number }[];
  /** Raw bytes of a `zero` or `stored` frame; null where only decompressing tells. */
  readonly raw: number | null;
};

const contentSizeBytes: readonly number[] = [0, 2, 4, 8];
const dictionaryBytes: readonly number[] = [0, 1, 2, 4];

/**
 * Walks exactly one frame that must fill `bytes` to the last byte; null where it does not. zstd libraries, Node's among them,
 * stop silently after the first frame and ignore what follows it, so that bytes could hide there.
 */
export function walkFrame(bytes: Buffer): WalkedFrame | null {
  if (bytes.length < plainHeaderBytes || bytes.readUInt32LE(0) !== zstdMagic) return null;
  const descriptor = bytes.readUInt8(4);
  const checksum = (descriptor & 0x04) !== 0 ? 4 : 0;
  const blocks: { at: number; length: number }[] = [];
  const types = new Set<number>();
  let raw = 0;
  let zero = true;
  for (let at = headerBytes(descriptor); ; ) {
    if (at + blockHeaderBytes > bytes.length) return null;
    const header = bytes.readUIntLE(at, blockHeaderBytes);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    const length = type === blockType.rle ? 1 : size;
    at += blockHeaderBytes;
    if (type > blockType.compressed || at + length > bytes.length) return null;
    types.add(type);
    blocks.push({ at, length });
    raw += size;
    zero &&= type === blockType.rle && bytes[at] === 0;
    at += length;
    if ((header & 1) === 0) continue;
    if (at + checksum !== bytes.length) return null;
    break;
  }
  const plain = descriptor === plainDescriptor && bytes.readUInt32LE(5) === raw;
  if (plain && zero) return { how: "zero", blocks: [], raw };
  if (plain && types.size === 1 && types.has(blockType.raw)) return { how: "stored", blocks, raw };
  return { how: "compressed", blocks: [], raw: null };
}

function headerBytes(descriptor: number): number {
  const single = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const contentSize = sizeFlag === 0 && single ? 1 : (contentSizeBytes[sizeFlag] ?? 0);
  return 5 + (single ? 0 : 1) + (dictionaryBytes[descriptor & 3] ?? 0) + contentSize;
}
