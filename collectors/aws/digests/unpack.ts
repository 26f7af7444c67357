import { once } from "node:events";
import { crc32, createInflateRaw } from "node:zlib";
import { gzipHeaderLength } from "./gzip-header.ts";

export type Unpacked = { readonly kind: "unpacked"; readonly bytes: number } | { readonly kind: "damaged" | "too-large"; readonly why: string };

/**
 * Unpacks exactly one gzip member (RFC 1952) that is the whole object, and hands out its pieces; they count only if the answer is
 * `unpacked`. Node's own gunzip reads on into a second member and over zeros behind the last: bytes that CloudTrail never wrote
 * would then ride along with a file that is called valid. `limit` is in unpacked bytes. Errors of the source pass through.
 */
export async function unpackOne(source: AsyncIterable<Uint8Array>, limit: number, take: (piece: Uint8Array) => void, signal: AbortSignal): Promise<Unpacked> {
  const inflate = createInflateRaw();
  let [bytes, crc, fed] = [0, 0, 0];
  let trouble: unknown = null;
  inflate.on("error", (error) => {
    trouble = error;
  });
  inflate.on("data", (piece: Buffer) => {
    if (bytes + piece.length > limit) inflate.destroy();
    if (inflate.destroyed) return;
    bytes += piece.length;
    crc = crc32(piece, crc);
    take(piece);
  });
  const feed = (chunk: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        inflate.off("close", done);
        resolve();
      };
      inflate.on("close", done); // a stream that fails or is destroyed never calls back
      inflate.write(chunk, done);
    });
  let head: Uint8Array | null = new Uint8Array();
  let tail: Uint8Array | null = null;
  try {
    for await (const chunk of source) {
      signal.throwIfAborted();
      let body: Uint8Array = chunk;
      if (head !== null) {
        head = Buffer.concat([head, chunk]);
        const length = gzipHeaderLength(head);
        if (length === "bad") return { kind: "damaged", why: "it does not begin as a gzip file" };
        if (length === "more") continue;
        body = head.subarray(length);
        head = null;
      }
      if (tail === null && body.length > 0) {
        fed += body.length;
        await feed(body);
        if (trouble !== null) return { kind: "damaged", why: "its compressed data is broken" };
        if (inflate.destroyed) return { kind: "too-large", why: `it unpacks to more than ${limit} bytes` };
        // What the inflater did not want stands behind the end of the compressed data.
        if (inflate.bytesWritten < fed) tail = body.subarray(body.length - (fed - inflate.bytesWritten));
      } else if (tail !== null) tail = Buffer.concat([tail, body]);
      if (tail !== null && tail.length > 8) return { kind: "damaged", why: "bytes stand behind the end of its gzip stream" };
    }
    if (tail === null || tail.length < 8) return { kind: "damaged", why: "it is cut short" };
    if (!inflate.readableEnded) await once(inflate, "end", { signal });
    const trailer = Buffer.from(tail);
    if (trailer.readUInt32LE(0) !== crc || trailer.readUInt32LE(4) !== bytes % 2 ** 32) return { kind: "damaged", why: "its gzip checksum does not fit" };
    return { kind: "unpacked", bytes };
  } finally {
    inflate.destroy();
  }
}
