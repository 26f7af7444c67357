import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import type { Compression } from "../../src/core/part.ts";
import { openPartStream } from "../../src/stream/part-stream.ts";
import { mebibyte, noise, rangesOf, sha256, takeAll, text } from "./sources.ts";

/** Other people's programs read the stored image; a program that is not there is named by the skipped test. */
const has = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0;
const zstdIsHere = has("zstd", "--version");
const pyzstdIsHere = has("python3", "-c", "from pyzstd import SeekableZstdFile");

const images: readonly (readonly [string, Buffer])[] = [
  ["nothing", Buffer.alloc(0)],
  ["one byte", Buffer.from("x")],
  ["zeros", Buffer.alloc(17 * mebibyte + 1)],
  ["noise", noise(9 * mebibyte)],
  ["all three kinds", Buffer.concat([Buffer.alloc(8 * mebibyte), noise(8 * mebibyte), text(8 * mebibyte), Buffer.alloc(3), text(100_000)])],
];
const cases = images.flatMap(([name, raw]) => (["none", "auto", "zstd"] as const).map((compress) => [name, raw, compress] as const));

async function stored(raw: Buffer, compress: Compression) {
  await using stream = openPartStream(rangesOf(raw), { compress, replay: [], signal: new AbortController().signal });
  return await takeAll(stream);
}

test.for(cases)("node:zlib reads each frame of %s, cut by the frames' lengths", async ([, raw, compress]) => {
  const { parts, stored: bytes } = await stored(raw, compress);
  const out: Buffer[] = [];
  let at = 0;
  for (const frame of parts.flatMap((part) => part.frames)) {
    const plain = zstdDecompressSync(bytes.subarray(at, at + frame.stored));
    expect(plain.length).toBe(frame.raw);
    out.push(plain);
    at += frame.stored;
  }
  expect(Buffer.concat(out).equals(raw)).toBe(true);
});

test.skipIf(!zstdIsHere).for(cases)("zstd -dc of a stored image of %s gives the raw digest", async ([, raw, compress]) => {
  const { stored: bytes } = await stored(raw, compress);
  const { status, stdout } = spawnSync("zstd", ["-dc"], { input: bytes, maxBuffer: 64 * mebibyte });
  expect(status).toBe(0);
  expect(sha256(stdout)).toBe(sha256(raw));
});

test.skipIf(!pyzstdIsHere)("pyzstd finds its way by our seek table", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pyzstd-"));
  try {
    const raw = Buffer.concat([noise(8 * mebibyte), Buffer.alloc(8 * mebibyte), text(5 * mebibyte)]);
    await writeFile(join(folder, "image.zst"), (await stored(raw, "zstd")).stored);
    const script = "import sys, hashlib, pyzstd\nf = pyzstd.SeekableZstdFile(sys.argv[1])\nf.seek(17000000)\nprint(hashlib.sha256(f.read(100000)).hexdigest())";
    const { stdout } = spawnSync("python3", ["-c", script, join(folder, "image.zst")]);
    expect(stdout.toString().trim()).toBe(sha256(raw.subarray(17_000_000, 17_100_000)));
  } finally {
    await rm(folder, { recursive: true });
  }
});
