/** One LiME record (facts/aws.md §2.1): 32 bytes of header, then the memory. */
export function lime(start: bigint, content: Buffer): Buffer {
  const header = Buffer.alloc(32);
  header.write("EMiL", 0, "latin1");
  header.writeUInt32LE(1, 4);
  header.writeBigUInt64LE(start, 8);
  header.writeBigUInt64LE(start + BigInt(content.length) - 1n, 16);
  return Buffer.concat([header, content]);
}
