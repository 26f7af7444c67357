import type { Extent } from "../../src/core/outcome.ts";
import type { RangeSource, SourceReport, StreamSource } from "../../src/core/source.ts";
import type { Part } from "../../src/core/part.ts";
import { createHash } from "node:crypto";
import type { OpenPartStream } from "../../src/stream/part-stream.ts";

export const mebibyte: number = 1024 * 1024;

const collected: SourceReport = { outcome: "collected", detail: null, coverage: null, files: null, bad: [] };
const head = { name: "test source", mediaType: "application/octet-stream", report: () => collected, close: async () => {} };

export type Asked = { readonly offset: number; readonly length: number };

/** Bytes in memory; `asked` lists what was read of them. `size` promises another length than there is. */
export function rangesOf(
  raw: Uint8Array,
  more: { readonly store?: "image" | "as-is"; readonly holes?: readonly Extent[]; readonly size?: number; readonly asked?: Asked[] } = {},
): RangeSource {
  return {
    ...head,
    kind: "ranges",
    store: more.store ?? "image",
    size: more.size ?? raw.length,
    stable: true,
    identity: null,
    holes: more.holes ?? [],
    async read(into, offset) {
      more.asked?.push({ offset, length: into.length });
      const bytes = raw.subarray(offset, offset + into.length);
      into.set(bytes);
      return bytes.length;
    },
  };
}

export function streamOf(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  more: { readonly store?: "image" | "as-is"; readonly size?: number | null } = {},
): StreamSource {
  return {
    ...head,
    kind: "stream",
    store: more.store ?? "image",
    size: more.size ?? null,
    async *bytes() {
      yield* pieces;
    },
  };
}

export function* piecesOf(raw: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < raw.length; at += length) yield raw.subarray(at, at + length);
}

export type TakenPart = Omit<Part, "bytes" | "release"> & { readonly bytes: Buffer };

/** Takes everything, copies it, and gives each part back at once. */
export async function takeAll(stream: OpenPartStream): Promise<{ readonly parts: readonly TakenPart[]; readonly stored: Buffer }> {
  const parts: TakenPart[] = [];
  for await (const part of stream.parts) {
    const { number, sha256, last, rawFrom, rawTo, frames } = part;
    parts.push({ number, sha256, last, rawFrom, rawTo, frames, bytes: Buffer.from(part.bytes) });
    part.release();
  }
  return { parts, stored: Buffer.concat(parts.map((part) => part.bytes)) };
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The same bytes in each run; no compressor makes them shorter. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let x = seed >>> 0 || 1;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes.writeInt32LE(x | 0, at);
  }
  for (; at < length; at += 1) bytes[at] = 0x5a;
  return bytes;
}

/** Lines of a log: compresses well and is not zero. */
export function text(length: number): Buffer {
  const line = (n: number): string => `Nov 24 06:${n % 60} host sshd[${n}]: Failed password for root from 192.0.2.${n % 250}\n`;
  let out = "";
  for (let n = 0; out.length < Math.min(length, mebibyte); n += 1) out += line(n);
  const block = Buffer.from(out);
  return Buffer.concat(Array.from({ length: Math.ceil(length / block.length) }, () => block)).subarray(0, length);
}
