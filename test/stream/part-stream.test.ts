import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Compression } from "../../src/core/part.ts";
import { openPartStream } from "../../src/stream/part-stream.ts";
import { type Shape, shapeFor } from "../../src/stream/part-size.ts";
import { mebibyte, noise, piecesOf, rangesOf, sha256, streamOf, takeAll, text, type Asked } from "./sources.ts";

const chunk = 8 * mebibyte;
const never = new AbortController().signal;
const open = { compress: "none", replay: [], signal: never } as const;
/** Small measures with workers from the first byte on. */
const small: Shape = { chunkBytes: 64 * 1024, partSize: 96 * 1024, inlineBytes: 0, rawSlots: 2, partSlots: 3 };

test.for([
  ["the empty message", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["the 448-bit message", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"],
  ["a million times a", "a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
] as const)("the raw digest is FIPS 180-4's for %s, with and without workers", async ([, message, digest]) => {
  for (const shape of [shapeFor(null), small])
    for (const store of ["image", "as-is"] as const) {
      await using stream = openPartStream(rangesOf(Buffer.from(message), { store }), open, shape);
      await takeAll(stream);
      expect(await stream.digest()).toEqual({ sha256: digest, bytes: message.length });
    }
});

test.for([0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 12345])(
  "%i bytes as they are become parts of 8 MiB, the last shorter, each with its own digest",
  async (size) => {
    const raw = noise(size);
    for (const source of [rangesOf(raw, { store: "as-is" }), streamOf(piecesOf(raw, 1_000_003), { store: "as-is" })]) {
      await using stream = openPartStream(source, open);
      expect([stream.encoding, stream.partSize]).toEqual(["identity", chunk]);
      const { parts, stored } = await takeAll(stream);
      expect(stored.equals(raw)).toBe(true);
      expect(parts.map((part) => part.bytes.length)).toEqual(cuts(size));
      expect(parts.map((part) => part.sha256)).toEqual(parts.map((part) => sha256(part.bytes)));
      expect(parts.map((part) => part.number)).toEqual(parts.map((_, i) => i + 1));
      expect(parts.map((part) => part.last)).toEqual(parts.map((_, i) => i === parts.length - 1));
      expect(parts.map((part) => [part.rawFrom, part.rawTo])).toEqual(parts.map((_, i) => [i * chunk, Math.min(size, (i + 1) * chunk)]));
      expect(await stream.digest()).toEqual({ sha256: sha256(raw), bytes: size });
    }
  },
);

function cuts(size: number): readonly number[] {
  const whole = Array.from({ length: Math.floor(size / chunk) }, () => chunk);
  return size % chunk === 0 && size > 0 ? whole : [...whole, size % chunk];
}

test("all parts of an image but the last have exactly the part size, whatever its frames are", async () => {
  const raw = Buffer.concat([noise(3 * chunk), Buffer.alloc(2 * chunk), text(chunk), noise(1000)]);
  for (const compress of ["none", "auto", "zstd"] satisfies Compression[]) {
    await using stream = openPartStream(rangesOf(raw), { ...open, compress });
    const { parts } = await takeAll(stream);
    expect(parts.slice(0, -1).every((part) => part.bytes.length === stream.partSize)).toBe(true);
    expect(parts.every((part) => part.sha256 === sha256(part.bytes))).toBe(true);
    expect(parts.filter((part) => part.last)).toEqual(parts.slice(-1));
  }
});

test("the frames of the parts cover the raw bytes without gap, each named in the part where it begins", async () => {
  const raw = Buffer.concat([noise(300_000), Buffer.alloc(200_000), text(300_000)]);
  await using stream = openPartStream(rangesOf(raw), { ...open, compress: "zstd" }, small);
  const { parts } = await takeAll(stream);
  let at = 0;
  let storedAt = 0;
  for (const [i, part] of parts.entries())
    for (const frame of part.frames) {
      expect(frame.at).toBe(at);
      expect(Math.floor(storedAt / small.partSize)).toBe(i);
      expect(part.rawFrom <= frame.at && frame.at + frame.raw <= part.rawTo).toBe(true);
      at += frame.raw;
      storedAt += frame.stored;
    }
  expect(at).toBe(raw.length);
  expect(new Set(parts.flatMap((part) => part.frames.map((frame) => frame.how)))).toEqual(new Set(["zero", "stored", "compressed"]));
});

test("holes are not read, and cost 265 bytes for 8 MiB", async () => {
  const data = noise(chunk);
  const raw = Buffer.concat([Buffer.alloc(2 * chunk), data, Buffer.alloc(3 * chunk)]);
  const asked: Asked[] = [];
  const holes = [
    { offset: 0, length: 2 * chunk },
    { offset: 3 * chunk, length: 3 * chunk },
  ];
  await using stream = openPartStream(rangesOf(raw, { holes, asked }), open);
  const { stored } = await takeAll(stream);
  expect(asked).toEqual([
    { offset: 2 * chunk, length: chunk },
    { offset: 6 * chunk - 1, length: 1 }, // proof that the source still ends where it promised
  ]);
  expect(stored.length).toBe(5 * 265 + chunk + 201 + 17 + 6 * 8);
  expect(await stream.digest()).toEqual({ sha256: sha256(raw), bytes: raw.length });
});

test("a hole inside a chunk is filled with zeros and not read", async () => {
  const raw = Buffer.concat([noise(10_000), Buffer.alloc(30_000), noise(60_000), Buffer.alloc(500)]);
  const holes = [
    { offset: 10_000, length: 30_000 },
    { offset: 100_000, length: 500 },
  ];
  for (const shape of [small, { ...small, inlineBytes: mebibyte }])
    for (const store of ["image", "as-is"] as const) {
      const asked: Asked[] = [];
      await using stream = openPartStream(rangesOf(raw, { holes, asked, store }), open, shape);
      await takeAll(stream);
      expect((await stream.digest()).sha256).toBe(sha256(raw));
      expect(asked.reduce((sum, { length }) => sum + length, 0)).toBe(70_001);
    }
});

test("a source that became shorter inside its last hole gets no digest", async () => {
  const source = rangesOf(noise(100_000), { size: 300_000, holes: [{ offset: 100_000, length: 200_000 }] });
  await using stream = openPartStream(source, open, small);
  await expect(takeAll(stream)).rejects.toThrow(/became shorter/);
  await expect(stream.digest()).rejects.toThrow(/became shorter/);
});

test.for([0, 64 * 1024, 100_000, 192 * 1024])("a ranges source that ends at %i of 300,000 bytes gives what it has", async (there) => {
  const raw = noise(there);
  for (const store of ["image", "as-is"] as const) {
    await using stream = openPartStream(rangesOf(raw, { size: 300_000, store }), open, small);
    const { parts } = await takeAll(stream);
    expect(parts.at(-1)?.last).toBe(true);
    expect(await stream.digest()).toEqual({ sha256: sha256(raw), bytes: there });
  }
});

test.for([
  ["fewer", 199_999],
  ["more", 200_001],
] as const)("a stream that gives %s bytes than it promised gets no digest", async ([, given]) => {
  for (const shape of [small, { ...small, inlineBytes: mebibyte }]) {
    await using stream = openPartStream(streamOf(piecesOf(noise(given), 7000), { size: 200_000 }), open, shape);
    await expect(takeAll(stream)).rejects.toThrow(/promised/);
    await expect(stream.digest()).rejects.toThrow(/promised/);
  }
});

test.for(["image", "as-is"] as const)("a source of %s bytes that throws midway gets no digest", async (store) => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield noise(300_000);
    throw new Error("cable pulled");
  }
  for (const shape of [small, { ...small, inlineBytes: mebibyte }]) {
    await using stream = openPartStream(streamOf(broken(), { store }), open, shape);
    await expect(takeAll(stream)).rejects.toThrow("cable pulled");
    await expect(stream.digest()).rejects.toThrow("cable pulled");
  }
});

test("no digest is known before the last part is taken", async () => {
  await using stream = openPartStream(rangesOf(noise(200_000)), open, small);
  let known = false;
  void stream.digest().then(() => {
    known = true;
  });
  for await (const part of stream.parts) {
    await sleep(5);
    if (!part.last) expect(known).toBe(false);
    part.release();
  }
  await stream.digest();
});

test("a consumer that leaves early ends the threads and gets no digest", async () => {
  let closed = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield noise(50_000);
    } finally {
      closed = true;
    }
  }
  const before = process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
  const stream = openPartStream(streamOf(endless()), open, small);
  for await (const part of stream.parts) if (part.number === 2) break;
  await expect(stream.digest()).rejects.toThrow(/abandoned/);
  await expect.poll(() => closed).toBe(true);
  await expect.poll(() => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length).toBe(before);
});

test("an abort reaches iteration, digest and source, even while the source hangs", async () => {
  const controller = new AbortController();
  async function* hanging(): AsyncGenerator<Uint8Array> {
    yield noise(300_000);
    await new Promise(() => {});
  }
  await using stream = openPartStream(streamOf(hanging()), { ...open, signal: controller.signal }, small);
  setTimeout(() => controller.abort(new Error("stopped by a person")), 150);
  await expect(takeAll(stream)).rejects.toThrow("stopped by a person");
  await expect(stream.digest()).rejects.toThrow("stopped by a person");
});

test("a stream that is aborted before it begins reads nothing", async () => {
  const asked: Asked[] = [];
  await using stream = openPartStream(rangesOf(noise(10), { asked }), { ...open, signal: AbortSignal.abort(new Error("too late")) });
  await expect(takeAll(stream)).rejects.toThrow("too late");
  expect(asked).toEqual([]);
});
