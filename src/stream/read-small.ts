import type { Source } from "../core/source.ts";
import { dataMap } from "./data-map.ts";
import { fillAroundHoles, proveEnd, promisedBytes } from "./raw-reader.ts";

/** A source that fits into `limit` bytes is read whole; of a longer one, what was read of it is put before the rest. */
export type SmallOrLong =
  | { readonly kind: "small"; readonly bytes: Uint8Array }
  | { readonly kind: "long-ranges" }
  | { readonly kind: "long-stream"; readonly bytes: AsyncIterable<Uint8Array> };

const firstBuffer = 64 * 1024;

export async function readSmall(source: Source, limit: number, signal: AbortSignal): Promise<SmallOrLong> {
  if (source.kind === "ranges") {
    if (source.size > limit) return { kind: "long-ranges" };
    const into = Buffer.allocUnsafe(source.size);
    const map = dataMap(source);
    const filled = await fillAroundHoles(source, map, into, 0, signal);
    if (filled === source.size) await proveEnd(source, map, signal);
    return { kind: "small", bytes: into.subarray(0, filled) };
  }
  const bytes = promisedBytes(source, signal);
  if (source.size !== null && source.size > limit) return { kind: "long-stream", bytes };
  let buffer = Buffer.allocUnsafe(source.size ?? Math.min(limit, firstBuffer));
  let filled = 0;
  for (;;) {
    const { done, value } = await bytes.next();
    if (done) return { kind: "small", bytes: buffer.subarray(0, filled) };
    if (filled + value.length > limit) return { kind: "long-stream", bytes: chain(buffer.subarray(0, filled), value, bytes) };
    if (filled + value.length > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(2 * buffer.length, filled + value.length)));
      buffer.copy(larger, 0, 0, filled);
      buffer = larger;
    }
    buffer.set(value, filled);
    filled += value.length;
  }
}

async function* chain(first: Uint8Array, second: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    yield second;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
