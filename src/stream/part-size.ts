import { storedBound } from "./frame.ts";

const mebibyte = 1024 * 1024;

/** Raw bytes of one frame of an image (design.md, integrity rule 2). */
export const chunkBytes: number = 8 * mebibyte;
/** S3's limit, which the other stores exceed. */
export const maxParts = 10_000;

/**
 * Bytes of every part but the last: 8 MiB, or the smallest multiple of 1 MiB with which the stored bytes of a source of `size`
 * raw bytes fit into 10,000 parts even if nothing in it can be stored smaller. A source of unknown size gets 8 MiB.
 */
export function partSizeFor(size: number | null): number {
  const needed = Math.ceil(storedBound(size ?? 0, chunkBytes) / maxParts / mebibyte) * mebibyte;
  return Math.max(chunkBytes, needed);
}

/** Measures of one stream; only tests choose others than `shapeFor` does. */
export type Shape = {
  readonly chunkBytes: number;
  readonly partSize: number;
  /** Raw bytes up to which no worker is started: starting one costs about 40 ms. */
  readonly inlineBytes: number;
  readonly rawSlots: number;
  readonly partSlots: number;
};

/**
 * Five buffers of 8 MiB in all: two that are read into, three that hold parts (an `as-is` source uses all five for both).
 * Larger parts come in smaller numbers, so that memory stays flat up to 78 GiB and grows slowly beyond.
 */
export function shapeFor(size: number | null): Shape {
  const partSize = partSizeFor(size);
  const partSlots = Math.max(2, Math.floor((3 * chunkBytes) / partSize));
  return { chunkBytes, partSize, inlineBytes: chunkBytes, rawSlots: 2, partSlots };
}
