/** Small enough to stay in a core's own cache while it is hashed again and again. */
const zeroBlock: Buffer = Buffer.alloc(256 * 1024);

/** Whether every byte is zero. Data that is not gives itself away in its first bytes. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += zeroBlock.length) {
    const piece = bytes.subarray(at, at + zeroBlock.length);
    if (Buffer.compare(piece, zeroBlock.subarray(0, piece.length)) !== 0) return false;
  }
  return true;
}

/** Calls `use` with blocks of zeros that add up to `length` bytes. */
export function eachZeroBlock(length: number, use: (block: Uint8Array) => void): void {
  for (let left = length; left > 0; left -= zeroBlock.length) use(left >= zeroBlock.length ? zeroBlock : zeroBlock.subarray(0, left));
}
