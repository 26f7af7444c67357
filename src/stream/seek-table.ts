import { HoldfastError } from "../core/error.ts";
import type { Frame } from "../core/part.ts";

/**
 * The table at the end of a stored image, as zstd's seekable format (contrib/seekable_format) lays it out: a skippable frame
 * with {stored, raw} of each frame, and a footer. Readers that do not know it skip it.
 */
const skippableMagic = 0x184d2a5e;
const footerMagic = 0x8f92eab1;
const headBytes = 8;
const entryBytes = 8;
export const footerBytes = 9;

export type SeekEntry = { readonly stored: number; readonly raw: number };

export function seekTable(frames: Iterable<SeekEntry>, count: number): Buffer {
  const table = Buffer.alloc(headBytes + count * entryBytes + footerBytes);
  table.writeUInt32LE(skippableMagic, 0);
  table.writeUInt32LE(table.length - headBytes, 4);
  let at = headBytes;
  for (const { stored, raw } of frames) {
    table.writeUInt32LE(stored, at);
    table.writeUInt32LE(raw, at + 4);
    at += entryBytes;
  }
  table.writeUInt32LE(count, at);
  table.writeUInt8(0, at + 4); // no checksums in the entries: SHA-256 is the judge
  table.writeUInt32LE(footerMagic, at + 5);
  return table;
}

/** Bytes of the whole table, read off its last nine bytes. The footer is hostile input: nothing is allocated from it unchecked. */
export function tableBytes(footer: Buffer, storedBytes: number): number {
  if (footer.length !== footerBytes || footer.readUInt32LE(5) !== footerMagic) throw altered("it does not end with a seek table");
  if (footer.readUInt8(4) !== 0) throw altered("its seek table has a form that Holdfast does not write");
  const bytes = headBytes + footer.readUInt32LE(0) * entryBytes + footerBytes;
  if (bytes > storedBytes) throw altered(`its seek table claims ${bytes} bytes of ${storedBytes}`);
  return bytes;
}

export function parseSeekTable(table: Buffer, storedBytes: number, maxRaw: number): readonly SeekEntry[] {
  if (table.readUInt32LE(0) !== skippableMagic || table.readUInt32LE(4) !== table.length - headBytes)
    throw altered("its seek table does not begin where its footer says");
  const entries: SeekEntry[] = [];
  let sum = table.length;
  for (let at = headBytes; at < table.length - footerBytes; at += entryBytes) {
    const entry = { stored: table.readUInt32LE(at), raw: table.readUInt32LE(at + 4) };
    if (entry.raw === 0 || entry.raw > maxRaw || entry.stored === 0)
      throw altered(`its seek table gives frame ${entries.length} ${entry.stored} bytes for ${entry.raw} raw ones`);
    entries.push(entry);
    sum += entry.stored;
  }
  if (sum !== storedBytes) throw altered(`its seek table accounts for ${sum} bytes of ${storedBytes}`);
  return entries;
}

/** Stored bytes that do not decode are evidence of alteration, not a failure to check. */
export function altered(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError("altered", `the stored image is not what Holdfast wrote: ${what}`, cause);
}

/** The frames of a stream, kept as numbers: a 16 TiB image has two million of them. */
export class FrameLengths {
  readonly #pairs: number[] = [];

  add(frame: Frame): void {
    this.#pairs.push(frame.stored, frame.raw);
  }

  table(): Buffer {
    return seekTable(this.#entries(), this.#pairs.length / 2);
  }

  *#entries(): Generator<SeekEntry> {
    for (let i = 0; i < this.#pairs.length; i += 2) yield { stored: this.#pairs[i] ?? 0, raw: this.#pairs[i + 1] ?? 0 };
  }
}
