import { systemCode } from "../../src/core/error.ts";
import type { Extent } from "../../src/core/outcome.ts";

/** Fills `into` from `offset` and returns the bytes filled; 0 at the end. Rejects as the system does (`EIO`). */
export type ReadAt = (into: Uint8Array, offset: number) => Promise<number>;

/**
 * Reads around what a dying disk cannot give: a range that fails with EIO is halved until single grains remain (a sector of a
 * disk, a page of memory); those are zeros in the bytes given, and stand in `bad`. A good sector next to a bad one is never
 * lost with it.
 */
export type PatientReader = {
  read(into: Uint8Array, offset: number, signal: AbortSignal): Promise<number>;
  /** Ascending, neighbours merged. */
  bad(): readonly Extent[];
};

export function patientReader(readAt: ReadAt, grain: number): PatientReader {
  const bad: { offset: number; length: number }[] = [];

  async function read(into: Uint8Array, offset: number, signal: AbortSignal): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      signal.throwIfAborted();
      const rest = into.subarray(filled);
      let got: number;
      try {
        got = await readAt(rest, offset + filled);
      } catch (error) {
        if (systemCode(error) !== "EIO") throw error;
        got = await readHalves(rest, offset + filled, signal);
      }
      if (got === 0) break;
      filled += got;
    }
    return filled;
  }

  async function readHalves(into: Uint8Array, offset: number, signal: AbortSignal): Promise<number> {
    // Split at borders of the device, whatever range was asked for.
    const middle = Math.round((offset + into.length / 2) / grain) * grain - offset;
    if (middle <= 0 || middle >= into.length) {
      into.fill(0);
      note(offset, into.length);
      return into.length;
    }
    const first = await read(into.subarray(0, middle), offset, signal);
    return first < middle ? first : middle + (await read(into.subarray(middle), offset + middle, signal));
  }

  function note(offset: number, length: number): void {
    const last = bad.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length += length;
    else bad.push({ offset, length });
  }

  return { read, bad: () => merged(bad) };
}

function merged(extents: readonly Extent[]): readonly Extent[] {
  const out: { offset: number; length: number }[] = [];
  for (const extent of [...extents].sort((a, b) => a.offset - b.offset)) {
    const last = out.at(-1);
    if (last !== undefined && extent.offset <= last.offset + last.length) last.length = Math.max(last.length, extent.offset + extent.length - last.offset);
    else out.push({ ...extent });
  }
  return out;
}
