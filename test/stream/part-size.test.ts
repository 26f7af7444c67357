import { expect, test } from "vitest";
import { storedBound } from "../../src/stream/frame.ts";
import { chunkBytes, maxParts, partSizeFor, shapeFor } from "../../src/stream/part-size.ts";

const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;

test.for([
  [null, 8],
  [0, 8],
  [64 * gibibyte, 8],
  [78 * gibibyte, 8],
  [79 * gibibyte, 9],
  [1024 * gibibyte, 105],
  [16 * 1024 * gibibyte, 1678],
] as const)("a source of %s bytes gets parts of %i MiB", ([size, parts]) => {
  expect(partSizeFor(size)).toBe(parts * mebibyte);
});

test("the worst case fits into the parts there are, and not into parts of 1 MiB less", () => {
  for (let size = gibibyte; size < 2 ** 44; size *= 1.7) {
    const whole = Math.floor(size);
    const parts = storedBound(whole, chunkBytes) / partSizeFor(whole);
    expect(parts).toBeLessThanOrEqual(maxParts);
    if (partSizeFor(whole) > chunkBytes) expect(storedBound(whole, chunkBytes) / (partSizeFor(whole) - mebibyte)).toBeGreaterThan(maxParts);
  }
});

test("up to 78 GiB all buffers together are 40 MiB", () => {
  for (const size of [gibibyte, 64 * gibibyte]) {
    const shape = shapeFor(size);
    expect(shape.rawSlots * shape.chunkBytes + shape.partSlots * shape.partSize).toBe(40 * mebibyte);
  }
});
