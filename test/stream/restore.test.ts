import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Compression } from "../../src/core/part.ts";
import { storedChecksum } from "../../src/stream/composite.ts";
import { zeroFrame } from "../../src/stream/frame.ts";
import { openPartStream } from "../../src/stream/part-stream.ts";
import type { Shape } from "../../src/stream/part-size.ts";
import { type ReadStored, restoreRaw } from "../../src/stream/restore.ts";
import { hashRestored, rehashStored, writeRestored } from "../../src/stream/restored.ts";
import { seekTable } from "../../src/stream/seek-table.ts";
import { mebibyte, noise, piecesOf, rangesOf, sha256, takeAll, text } from "./sources.ts";

const signal = new AbortController().signal;
const shape: Shape = { chunkBytes: 64 * 1024, partSize: 96 * 1024, inlineBytes: 1e9, rawSlots: 2, partSlots: 3 };

function readOf(stored: Buffer, piece = 50_000): ReadStored {
  return async function* (offset, length) {
    yield* piecesOf(stored.subarray(offset, offset + length), piece);
  };
}

async function store(raw: Buffer, compress: Compression, measures: Shape = shape) {
  await using stream = openPartStream(rangesOf(raw), { compress, replay: [], signal }, measures);
  return await takeAll(stream);
}

async function restore(stored: Buffer, piece?: number): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const chunk of restoreRaw("zstd", stored.length, readOf(stored, piece), signal))
    out.push(chunk.kind === "bytes" ? Buffer.from(chunk.bytes) : Buffer.alloc(chunk.length));
  return Buffer.concat(out);
}

/** Layouts of zeros, noise and text, with lengths around the measures. */
const layout = fc.array(
  fc.record({
    what: fc.constantFrom("zeros", "noise", "text"),
    length: fc.oneof(fc.integer({ min: 0, max: 200_000 }), fc.constantFrom(1, 1023, 1024, 1025, 4096)),
  }),
  { maxLength: 6 },
);

test("what was stored restores to the same bytes, for any layout and any measures", async () => {
  await fc.assert(
    fc.asyncProperty(
      layout,
      fc.constantFrom<Compression>("none", "auto", "zstd"),
      fc.constantFrom(1024, 5000, 131_072, 300_000),
      fc.integer({ min: 300, max: 200_000 }),
      fc.integer({ min: 7, max: 100_000 }),
      async (pieces, compress, chunkBytes, partSize, piece) => {
        const raw = Buffer.concat(
          pieces.map(({ what, length }, i) => (what === "zeros" ? Buffer.alloc(length) : what === "noise" ? noise(length, i + 1) : text(length))),
        );
        const { parts, stored } = await store(raw, compress, { ...shape, chunkBytes, partSize });
        expect(parts.slice(0, -1).every((part) => part.bytes.length === partSize)).toBe(true);
        expect((await restore(stored, piece)).equals(raw)).toBe(true);
        const digests = parts.map((part) => part.sha256);
        const found = await rehashStored("zstd", stored.length, storedChecksum("composite", digests, partSize), readOf(stored, piece), signal);
        expect(found.raw).toEqual({ sha256: sha256(raw), bytes: raw.length });
        expect(found.parts).toEqual(digests);
        expect(found.stored).toEqual(storedChecksum("composite", digests, partSize));
      },
    ),
    { numRuns: 60 },
  );
});

test("with workers too, for any layout", async () => {
  await fc.assert(
    fc.asyncProperty(layout, fc.constantFrom<Compression>("none", "zstd"), async (pieces, compress) => {
      const raw = Buffer.concat(
        pieces.map(({ what, length }, i) => (what === "zeros" ? Buffer.alloc(length) : what === "noise" ? noise(length, i + 1) : text(length))),
      );
      const workers = await store(raw, compress, { ...shape, inlineBytes: 0 });
      const inline = await store(raw, compress);
      expect(workers.parts).toEqual(inline.parts);
      expect((await restore(workers.stored)).equals(raw)).toBe(true);
    }),
    { numRuns: 15 },
  );
});

test("identity bytes pass through, and one reading gives both digests", async () => {
  const raw = noise(300_000);
  const parts = [...piecesOf(raw, 100_000)].map((part) => sha256(part) as never);
  const found = await rehashStored("identity", raw.length, storedChecksum("composite", parts, 100_000), readOf(raw), signal);
  expect(found.raw).toEqual({ sha256: sha256(raw), bytes: raw.length });
  expect(found.stored.value).toBe(storedChecksum("composite", parts, 100_000).value);
  const full = await rehashStored("identity", raw.length, storedChecksum("full", [sha256(raw) as never], 100_000), readOf(raw), signal);
  expect(full.stored.value).toBe(Buffer.from(sha256(raw), "hex").toString("base64"));
});

test("every byte of a stored image that is changed is found: it does not decode, or a digest differs", async () => {
  const raw = Buffer.concat([Buffer.alloc(70_000), text(90_000), noise(3000)]);
  const { stored, parts } = await store(raw, "zstd");
  const digests = parts.map((part) => part.sha256);
  const recorded = storedChecksum("composite", digests, shape.partSize);
  const rehash = async (bytes: Buffer) => await rehashStored("zstd", bytes.length, recorded, readOf(bytes), signal);
  expect((await rehash(stored)).stored).toEqual(recorded);
  for (let at = 0; at < stored.length; at += at < 400 || at > stored.length - 100 ? 1 : 97) {
    const damaged = Buffer.from(stored);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    const found = await rehash(damaged).catch((error: unknown) => error);
    if (found instanceof Error) expect(found).toMatchObject({ code: "altered" });
    else expect(found).not.toMatchObject({ stored: recorded });
  }
});

test("an image cut short anywhere is altered", async () => {
  const { stored } = await store(Buffer.concat([Buffer.alloc(70_000), text(90_000)]), "zstd");
  for (let length = 0; length < stored.length; length += length > stored.length - 80 ? 1 : 131)
    await expect(restore(stored.subarray(0, length))).rejects.toMatchObject({ code: "altered" });
});

test.for([
  ["a second frame behind the first in one entry", () => image([Buffer.concat([zeroFrame(100), zeroFrame(100)])], [100])],
  ["bytes behind the end of a frame", () => image([Buffer.concat([zeroFrame(100), Buffer.from("hidden")])], [100])],
  ["a frame with another length than its entry says", () => image([zeroFrame(100)], [101])],
  ["a frame that claims to be enormous", () => image([zeroFrame(64 * mebibyte)], [64 * mebibyte])],
  ["a frame of no stored bytes", () => image([zeroFrame(100), Buffer.alloc(0)], [100, 100])],
  ["nothing", () => Buffer.alloc(0)],
] as const)("%s is altered, before anything of that size is allocated", async ([, damaged]) => {
  await expect(restore(damaged())).rejects.toMatchObject({ code: "altered" });
});

function image(frames: readonly Buffer[], raw: readonly number[]): Buffer {
  const entries = frames.map((frame, i) => ({ stored: frame.length, raw: raw[i] ?? 0 }));
  return Buffer.concat([...frames, seekTable(entries, entries.length)]);
}

test("what the vault throws is a failure to check, never a finding", async () => {
  const { stored } = await store(noise(100_000), "none");
  const gone: ReadStored = async function* (offset, length) {
    if (offset === 0) throw new Error("connection reset");
    yield stored.subarray(offset, offset + length);
  };
  await expect(hashRestored(restoreRaw("zstd", stored.length, gone, signal))).rejects.toThrow("connection reset");
  const short: ReadStored = async function* (offset, length) {
    yield stored.subarray(offset, offset + (offset === 0 ? 1000 : length));
  };
  const error = await hashRestored(restoreRaw("zstd", stored.length, short, signal)).catch((e: unknown) => e);
  expect(error).not.toMatchObject({ code: "altered" });
});

test("a restored file equals the source, and its zeros are holes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-restore-"));
  try {
    const raw = Buffer.concat([noise(100_000), Buffer.alloc(30 * mebibyte), text(100_000), Buffer.alloc(mebibyte)]);
    const { stored } = await store(raw, "none", { ...shape, chunkBytes: mebibyte, partSize: 8 * mebibyte });
    await using file = await open(join(folder, "image"), "wx+");
    const written = await writeRestored(file, restoreRaw("zstd", stored.length, readOf(stored), signal));
    expect(written).toEqual({ sha256: sha256(raw), bytes: raw.length });
    const { size, blocks } = await file.stat();
    expect(size).toBe(raw.length);
    expect(blocks * 512).toBeLessThan(4 * mebibyte);
    expect((await file.readFile()).equals(raw)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("an abort stops a restoration", async () => {
  const { stored } = await store(noise(300_000), "none");
  await expect(hashRestored(restoreRaw("zstd", stored.length, readOf(stored), AbortSignal.abort(new Error("stop"))))).rejects.toThrow("stop");
});
