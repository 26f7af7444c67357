import { zstdDecompressSync } from "node:zlib";
import { storedFrameBytes } from "./frame.ts";
import { type WalkedFrame, walkFrame } from "./frame-walk.ts";
import { chunkBytes } from "./part-size.ts";
import { altered, footerBytes, parseSeekTable, type SeekEntry, tableBytes } from "./seek-table.ts";

/** Raw bytes in their order. `bytes` is a view of a reused buffer, valid until the next chunk is asked for. */
export type RestoredChunk = { readonly kind: "bytes"; readonly bytes: Uint8Array } | { readonly kind: "zeros"; readonly length: number };

/** Gives bytes [offset, offset+length) of the stored object; a vault's read, bound to one version. */
export type ReadStored = (offset: number, length: number) => AsyncIterable<Uint8Array>;

/**
 * The raw evidence behind a stored object, frame by frame; memory stays flat whatever the object claims of itself.
 * Rejects with code `altered` where the stored bytes are not what Holdfast writes: that is a finding about the evidence. Whatever
 * `read` throws passes through: that is a failure to check.
 *
 * `observe` sees every stored byte once, in order, so that one reading also gives the digest of what is stored.
 */
export async function* restoreRaw(
  encoding: "identity" | "zstd",
  storedBytes: number,
  read: ReadStored,
  signal: AbortSignal,
  observe: (stored: Uint8Array) => void = () => {},
): AsyncGenerator<RestoredChunk> {
  if (encoding === "identity") {
    for await (const bytes of read(0, storedBytes)) {
      signal.throwIfAborted();
      observe(bytes);
      yield { kind: "bytes", bytes };
    }
    return;
  }
  if (storedBytes < footerBytes) throw altered(`${storedBytes} bytes are too few for a seek table`);
  const footer = await readWhole(read, storedBytes - footerBytes, footerBytes);
  const tailBytes = tableBytes(footer, storedBytes);
  const table = await readWhole(read, storedBytes - tailBytes, tailBytes);
  const entries = parseSeekTable(table, storedBytes, chunkBytes);
  const frames = cutFrames(read(0, storedBytes - tailBytes), entries, observe);
  let number = 0;
  for await (const frame of frames) {
    signal.throwIfAborted();
    yield* decodeFrame(frame, entries[number]?.raw ?? 0, number);
    number += 1;
  }
  observe(table);
}

async function readWhole(read: ReadStored, offset: number, length: number): Promise<Buffer> {
  const whole = Buffer.alloc(length);
  let at = 0;
  for await (const bytes of read(offset, length)) {
    if (at + bytes.length > length) throw new RangeError(`the vault gave more than the ${length} bytes asked for`);
    whole.set(bytes, at);
    at += bytes.length;
  }
  if (at !== length) throw new RangeError(`the vault gave ${at} of ${length} bytes`);
  return whole;
}

/** One reused buffer holds the frame that is being put together. */
async function* cutFrames(pieces: AsyncIterable<Uint8Array>, entries: readonly SeekEntry[], observe: (stored: Uint8Array) => void): AsyncGenerator<Buffer> {
  const longest = entries.reduce((most, { stored }) => Math.max(most, stored), 0);
  if (longest > storedFrameBytes(chunkBytes)) throw altered(`its seek table claims a frame of ${longest} bytes`);
  const buffer = Buffer.allocUnsafeSlow(longest);
  let number = 0;
  let filled = 0;
  for await (const piece of pieces) {
    observe(piece);
    for (let at = 0; at < piece.length; ) {
      const wanted = entries[number]?.stored;
      if (wanted === undefined) throw new RangeError("the vault gave more bytes than were asked for");
      const part = piece.subarray(at, at + wanted - filled);
      buffer.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < wanted) continue;
      yield buffer.subarray(0, wanted);
      filled = 0;
      number += 1;
    }
  }
  if (number !== entries.length || filled !== 0) throw new RangeError(`the vault gave ${number} of ${entries.length} frames`);
}

function* decodeFrame(frame: Buffer, raw: number, number: number): Generator<RestoredChunk> {
  const walked = walkFrame(frame);
  if (walked === null) throw altered(`frame ${number} is not one whole zstd frame`);
  if (walked.raw !== null && walked.raw !== raw) throw altered(`frame ${number} holds ${walked.raw} bytes, its seek table says ${raw}`);
  switch (walked.how) {
    case "zero":
      return yield { kind: "zeros", length: raw };
    case "stored":
      return yield* storedBlocks(frame, walked);
    case "compressed":
      return yield { kind: "bytes", bytes: decompress(frame, raw, number) };
    default:
      return walked.how satisfies never;
  }
}

function* storedBlocks(frame: Buffer, walked: WalkedFrame): Generator<RestoredChunk> {
  for (const { at, length } of walked.blocks) if (length > 0) yield { kind: "bytes", bytes: frame.subarray(at, at + length) };
}

function decompress(frame: Buffer, raw: number, number: number): Buffer {
  try {
    // A small frame can claim to be enormous: no more than the seek table allows is ever given.
    const bytes = zstdDecompressSync(frame, { maxOutputLength: raw });
    if (bytes.length === raw) return bytes;
  } catch (cause) {
    throw altered(`frame ${number} does not decompress to ${raw} bytes`, cause);
  }
  throw altered(`frame ${number} does not decompress to ${raw} bytes`);
}
