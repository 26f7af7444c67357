import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Part } from "../../src/core/part.ts";
import { openPartStream } from "../../src/stream/part-stream.ts";
import type { Shape } from "../../src/stream/part-size.ts";
import { mebibyte, noise, rangesOf, sha256, takeAll, type Asked } from "./sources.ts";

const never = new AbortController().signal;
const open = { compress: "none", replay: [], signal: never } as const;
/** Small measures with workers from the first byte on. */
const small: Shape = { chunkBytes: 64 * 1024, partSize: 96 * 1024, inlineBytes: 0, rawSlots: 2, partSlots: 3 };

test("a part held long stays as it is, holds the source back, and does not block the rest", async () => {
  const raw = noise(2_000_000);
  const asked: Asked[] = [];
  for (const store of ["image", "as-is"] as const) {
    await using stream = openPartStream(rangesOf(raw, { store, asked }), open, small);
    let held: Part | null = null;
    for await (const part of stream.parts) {
      expect(sha256(part.bytes)).toBe(part.sha256);
      if (held === null) held = part;
      else part.release();
    }
    expect(sha256(held?.bytes ?? Buffer.alloc(0))).toBe(held?.sha256);
    held?.release();
    expect((await stream.digest()).sha256).toBe(sha256(raw));
  }
});

test("a consumer that takes nothing more lets the source rest", async () => {
  const asked: Asked[] = [];
  await using stream = openPartStream(rangesOf(noise(20 * mebibyte), { asked }), open, small);
  const first = await stream.parts[Symbol.asyncIterator]().next();
  await sleep(200);
  const read = asked.reduce((sum, { length }) => sum + length, 0);
  expect(read).toBeLessThanOrEqual(small.partSlots * small.partSize + (small.rawSlots + 1) * small.chunkBytes);
  if (first.done !== true) first.value.release();
});

test("several lanes share the parts: each part goes to one of them", async () => {
  const raw = noise(3_000_000);
  await using stream = openPartStream(rangesOf(raw), open, { ...small, partSlots: 4 });
  const iterator = stream.parts[Symbol.asyncIterator]();
  const seen = new Map<number, Buffer>();
  const lane = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) return;
      await sleep(value.number % 3);
      expect(seen.has(value.number)).toBe(false);
      seen.set(value.number, Buffer.from(value.bytes));
      value.release();
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  expect([...seen.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: seen.size }, (_, i) => i + 1));
  expect((await stream.digest()).sha256).toBe(sha256(raw));
});

test("progress counts raw bytes up to the whole", async () => {
  const seen: number[] = [];
  await using stream = openPartStream(rangesOf(noise(200_000)), { ...open, progress: (bytes) => seen.push(bytes) }, small);
  await takeAll(stream);
  expect(seen).toEqual([65_536, 131_072, 196_608, 200_000]);
});
