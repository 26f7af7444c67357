import { expect, test } from "vitest";
import { compressChoice } from "../../src/stream/compress-choice.ts";
import { SinkMeter } from "../../src/stream/sink-meter.ts";
import { mebibyte, noise, text } from "./sources.ts";

/** A clock by which the sample of 128 KiB takes 0.5 ms: 262 MB/s, as level 1 does on one core. */
function compressorClock(): () => number {
  let t = 0;
  return () => (t += 0.5);
}
const megabytesPerSecond = 1000;

test.for([
  ["nothing known yet", null, "text", false],
  ["a fast consumer", 900, "text", false],
  ["a consumer about as fast as the compressor", 280, "text", false],
  ["a slow consumer", 50, "text", true],
  ["a slow consumer and bytes that do not compress", 50, "noise", false],
] as const)("auto with %s", ([, rate, what, compressed]) => {
  const choice = compressChoice("auto", compressorClock());
  if (rate !== null) choice.sinkRate(rate * megabytesPerSecond);
  expect(choice.wanted(what === "text" ? text(8 * mebibyte) : noise(8 * mebibyte))).toBe(compressed);
});

test("auto tries a consumer again that it cannot measure while it compresses", () => {
  const choice = compressChoice("auto", compressorClock());
  const chunk = text(8 * mebibyte);
  choice.sinkRate(100 * megabytesPerSecond);
  let chunks = 0;
  while (choice.wanted(chunk)) chunks += 1;
  expect(chunks).toBeGreaterThan(10);
  expect(chunks).toBeLessThan(100);
});

test("none never compresses, zstd always does", () => {
  for (const rate of [1, 1e9]) {
    const [none, zstd] = [compressChoice("none", () => 0), compressChoice("zstd", () => 0)];
    none.sinkRate(rate);
    zstd.sinkRate(rate);
    expect([none.wanted(text(1000)), zstd.wanted(noise(1000))]).toEqual([false, true]);
  }
});

test("the consumer's rate is measured only while all buffers wait for it", () => {
  let t = 0;
  const meter = new SinkMeter(2, () => t);
  meter.filled();
  t = 1000; // one buffer is free: the stream is the slow one
  meter.filled();
  t += 10;
  expect(meter.released(5000)).toBe(null);
  t += 1000;
  meter.filled();
  t += 10;
  expect(meter.released(5000)).toBe(500);
});
