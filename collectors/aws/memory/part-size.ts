const mebibyte = 2 ** 20;
const least = 8 * mebibyte;
/** Of S3's 10,000: what is left is for what the host did not count. */
const parts = 9_800;

/**
 * Bytes of a part for so much memory: 8 MiB, or as many whole MiB as keep an image that packs to nothing smaller within 10,000
 * parts. It stands in the host's tmpfs once, so it is no larger than it must be: 14 MiB for 128 GiB, 2.6 GiB for 24 TiB.
 */
export function memoryPartSize(memory: number | null): number {
  // Snappy's framing adds 8 bytes to 64 KiB that do not pack, and each record has 40.
  const image = (memory ?? 0) * 1.001 + 64 * mebibyte;
  return Math.max(least, Math.ceil(image / parts / mebibyte) * mebibyte);
}
