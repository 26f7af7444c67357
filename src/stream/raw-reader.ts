import { HoldfastError } from "../core/error.ts";
import type { RangeSource, StreamSource } from "../core/source.ts";
import { copyBytes } from "./copy-bytes.ts";
import { type DataMap, dataMap } from "./data-map.ts";
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
  const map = dataMap(source);
  for (let offset = 0; offset < source.size; ) {
    const length = Math.min(slots.chunkBytes, source.size - offset);
    if (slots.tellZeros && (await map.dataFrom(offset, signal)).offset >= offset + length) {
      yield { kind: "zeros", length };
      offset += length;
      continue;
    }
    const slot = await slots.acquire();
    const into = slots.view(slot).subarray(0, length);
    const filled = await fillAroundHoles(source, map, into, offset, signal);
    yield* given(slots, slot, into.subarray(0, filled));
    if (filled < length) return;
    offset += length;
  }
  await proveEnd(source, map, signal);
}

/** Fills `into` from `offset`; holes are not read. Fewer bytes than asked mean that the source ended there. */
export async function fillAroundHoles(source: RangeSource, map: DataMap, into: Uint8Array, offset: number, signal: AbortSignal): Promise<number> {
  for (let at = 0; at < into.length; ) {
    const data = await map.dataFrom(offset + at, signal);
    const from = Math.min(into.length, data.offset - offset);
    into.fill(0, at, from);
    const rest = into.subarray(from, Math.min(into.length, data.offset + data.length - offset));
    at = from + rest.length;
    if (rest.length === 0) continue;
    const filled = await source.read(rest, offset + from, signal);
    signal.throwIfAborted();
    if (filled < rest.length) return from + filled;
  }
  return into.length;
}

/** A source that ends in a hole was not read there: its last byte proves that it still has the length it promised. */
export async function proveEnd(source: RangeSource, map: DataMap, signal: AbortSignal): Promise<void> {
  if (source.size === 0 || (await map.dataFrom(source.size - 1, signal)).offset < source.size) return;
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
