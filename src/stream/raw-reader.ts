import { HoldfastError } from "../core/error.ts";
import type { RangeSource, StreamSource } from "../core/source.ts";
import { copyBytes } from "./copy-bytes.ts";
import { isZero } from "./zeros.ts";

/** Raw bytes in their order: in a slot that the receiver must release, or so many zeros that lie nowhere. */
export type RawChunk = { readonly kind: "data"; readonly slot: number; readonly length: number } | { readonly kind: "zeros"; readonly length: number };

export type RawSlots = {
  /** Length of every chunk but the last. */
  readonly chunkBytes: number;
  /** Whether chunks that are all zeros are to be told apart. */
  readonly tellZeros: boolean;
  readonly acquire: () => Promise<number>;
  readonly view: (slot: number) => Buffer;
  readonly release: (slot: number) => void;
};

export async function* readRanges(source: RangeSource, slots: RawSlots, signal: AbortSignal): AsyncGenerator<RawChunk> {
  let hole = 0;
  for (let offset = 0; offset < source.size; ) {
    const length = Math.min(slots.chunkBytes, source.size - offset);
    while (hole < source.holes.length && endOf(source, hole) <= offset) hole += 1;
    const within = source.holes[hole];
    if (slots.tellZeros && within !== undefined && within.offset <= offset && endOf(source, hole) >= offset + length) {
      yield { kind: "zeros", length };
      offset += length;
      continue;
    }
    const slot = await slots.acquire();
    const into = slots.view(slot).subarray(0, length);
    const filled = await fillAroundHoles(source, into, offset, hole, signal);
    yield* given(slots, slot, into.subarray(0, filled));
    if (filled < length) return;
    offset += length;
  }
  await proveEnd(source, signal);
}

/** Fills `into` from `offset`; holes are not read. Fewer bytes than asked mean that the source ended there. */
export async function fillAroundHoles(source: RangeSource, into: Uint8Array, offset: number, firstHole: number, signal: AbortSignal): Promise<number> {
  let at = 0;
  for (let hole = firstHole; at < into.length; hole += 1) {
    const from = source.holes[hole]?.offset ?? Number.POSITIVE_INFINITY;
    const data = into.subarray(at, Math.min(into.length, Math.max(at, from - offset)));
    if (data.length > 0) {
      const filled = await source.read(data, offset + at, signal);
      signal.throwIfAborted();
      at += filled;
      if (filled < data.length) return at;
    }
    if (at === into.length) break;
    const end = Math.min(into.length, Math.max(at, endOf(source, hole) - offset));
    into.fill(0, at, end);
    at = end;
  }
  return at;
}

/** A source that ends in a hole was not read there: its last byte proves that it still has the length it promised. */
export async function proveEnd(source: RangeSource, signal: AbortSignal): Promise<void> {
  const last = source.holes.length - 1;
  if (last < 0 || endOf(source, last) < source.size || source.size === 0) return;
  if ((await source.read(new Uint8Array(1), source.size - 1, signal)) !== 1)
    throw new HoldfastError("unexpected", `${source.name} became shorter than ${source.size} bytes while it was read`);
}

/** `pieces` are the source's, perhaps with a beginning that was read before. */
export async function* readStream(pieces: AsyncIterable<Uint8Array>, slots: RawSlots): AsyncGenerator<RawChunk> {
  let slot = await slots.acquire();
  let filled = 0;
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + slots.chunkBytes - filled);
      copyBytes(bytes, at, end, slots.view(slot), filled);
      filled += end - at;
      at = end;
      if (filled < slots.chunkBytes) continue;
      yield* given(slots, slot, slots.view(slot).subarray(0, filled));
      slot = await slots.acquire();
      filled = 0;
    }
  }
  yield* given(slots, slot, slots.view(slot).subarray(0, filled));
}

function* given(slots: RawSlots, slot: number, bytes: Uint8Array): Generator<RawChunk> {
  if (bytes.length === 0) slots.release(slot);
  else if (slots.tellZeros && isZero(bytes)) {
    slots.release(slot);
    yield { kind: "zeros", length: bytes.length };
  } else yield { kind: "data", slot, length: bytes.length };
}

/** The source's bytes, which must be as many as it promised. */
export async function* promisedBytes(source: StreamSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let given = 0;
  for await (const bytes of source.bytes(signal)) {
    signal.throwIfAborted();
    given += bytes.length;
    if (source.size !== null && given > source.size) throw broken(source, `more than the ${source.size} bytes it promised`);
    yield bytes;
  }
  signal.throwIfAborted();
  if (source.size !== null && given < source.size) throw broken(source, `${given} bytes and not the ${source.size} it promised`);
}

function broken(source: StreamSource, what: string): HoldfastError {
  return new HoldfastError("unexpected", `${source.name} gave ${what}: it has no digest`);
}

function endOf(source: RangeSource, hole: number): number {
  const extent = source.holes[hole];
  return extent === undefined ? Number.POSITIVE_INFINITY : extent.offset + extent.length;
}
