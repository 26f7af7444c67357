import fc from "fast-check";
import { expect, test } from "vitest";
import type { Extent } from "../../src/core/outcome.ts";
import type { RangeSource } from "../../src/core/source.ts";
import { openPartStream } from "../../src/stream/part-stream.ts";
import type { Shape } from "../../src/stream/part-size.ts";
import { type Asked, noise, rangesOf, sha256, takeAll } from "./sources.ts";

const shape: Shape = { chunkBytes: 4096, partSize: 8192, inlineBytes: 0, rawSlots: 2, partSlots: 3 };
const run = { compress: "none", replay: [], signal: new AbortController().signal } as const;
const grain = 512;

/** A volume in grains, of which some were never written; `run` grains at most are told at once. */
function volume(written: readonly boolean[], raw: Buffer): { readonly holes: readonly Extent[]; dataFrom(at: number, most: number): Extent | null } {
  const holes: Extent[] = [];
  for (const [i, there] of written.entries()) {
    if (there) continue;
    raw.fill(0, i * grain, (i + 1) * grain);
    holes.push({ offset: i * grain, length: grain });
  }
  return {
    holes,
    dataFrom(at, most) {
      let first = Math.floor(at / grain);
      while (first < written.length && written[first] !== true) first += 1;
      if (first === written.length) return null;
      let end = first;
      while (end < written.length && end - first < most && written[end] === true) end += 1;
      const from = Math.max(at, first * grain);
      return { offset: from, length: end * grain - from };
    },
  };
}

test("holes told beforehand, holes learnt on the way and no holes give the same bytes, and no hole is read", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom("image" as const, "as-is" as const),
      fc.boolean(),
      async (written, most, store, inline) => {
        const raw = noise(written.length * grain);
        const { holes, dataFrom } = volume(written, raw);
        const data = written.filter((there) => there).length * grain;
        const beforehand: Asked[] = [];
        const onTheWay: Asked[] = [];
        let last = 0;
        const learning: RangeSource = {
          ...rangesOf(raw, { store, asked: onTheWay }),
          async dataFrom(offset) {
            expect(offset).toBeGreaterThanOrEqual(last);
            last = offset;
            return dataFrom(offset, most);
          },
        };
        const stored: string[] = [];
        for (const source of [rangesOf(raw, { store }), rangesOf(raw, { store, holes, asked: beforehand }), learning]) {
          await using stream = openPartStream(source, run, inline ? { ...shape, inlineBytes: 1e6 } : shape);
          stored.push(sha256((await takeAll(stream)).stored));
          expect((await stream.digest()).sha256).toBe(sha256(raw));
        }
        expect(new Set(stored).size).toBe(1);
        // One byte more where the end is a hole: the proof that the source still has it.
        const read = data + (written.at(-1) === true ? 0 : 1);
        for (const asked of [beforehand, onTheWay]) expect(asked.reduce((sum, { length }) => sum + length, 0)).toBe(read);
      },
    ),
    { numRuns: 40 },
  );
});

test("a source that cannot say where its data is gets no digest", async () => {
  const source: RangeSource = {
    ...rangesOf(noise(50_000)),
    dataFrom: async (offset) => {
      if (offset > 20_000) throw new Error("the list was refused");
      return { offset, length: 4096 };
    },
  };
  await using stream = openPartStream(source, run, shape);
  await expect(takeAll(stream)).rejects.toThrow("the list was refused");
  await expect(stream.digest()).rejects.toThrow("the list was refused");
});
