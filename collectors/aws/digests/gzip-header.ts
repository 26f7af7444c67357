import { crc32 } from "node:zlib";

/** Names and comments have no limit of their own; CloudTrail writes none. */
const longest = 128 * 1024;

/** Length of the gzip member header at the beginning of the bytes (RFC 1952 §2.3), or that more are needed, or that it is none. */
export function gzipHeaderLength(bytes: Uint8Array): number | "more" | "bad" {
  const magic = [0x1f, 0x8b, 8];
  if (magic.some((byte, at) => at < bytes.length && bytes[at] !== byte)) return "bad";
  if (bytes.length < 10) return "more";
  const flags = bytes[3] ?? 0;
  if ((flags & 0xe0) !== 0) return "bad"; // reserved: "must give an error indication"
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 256;
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end === -1) return bytes.length > longest ? "bad" : "more";
    at = end + 1;
  }
  const crcAt = at;
  if ((flags & 2) !== 0) at += 2;
  if (at > bytes.length) return bytes.length > longest ? "bad" : "more";
  if ((flags & 2) !== 0 && (bytes[crcAt] ?? 0) + (bytes[crcAt + 1] ?? 0) * 256 !== (crc32(bytes.subarray(0, crcAt)) & 0xffff)) return "bad";
  return at;
}
