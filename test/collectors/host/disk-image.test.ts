import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diskImage } from "../../../collectors/host/disk-image.ts";
import { patientReader, type ReadAt } from "../../../collectors/host/patient-read.ts";
import { openForHoles } from "../../../collectors/host/hole-read.ts";
import { placeAt, signal, temporary } from "./gathering.ts";
import { openImage, readAll } from "./image-reading.ts";

const here = placeAt("/");

function pattern(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
}

/** Refuses every range that touches a bad sector, as a disk does. */
function failing(handle: FileHandle, badSectors: readonly number[]): ReadAt {
  return async (into, offset) => {
    if (badSectors.some((sector) => sector * 512 < offset + into.length && (sector + 1) * 512 > offset))
      throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
    return (await handle.read(into, 0, into.length, offset)).bytesRead;
  };
}

describe("the image of a disk", () => {
  test("an image file gives its bytes, is stable, and says `collected`", async () => {
    using home = temporary();
    const path = join(home.path, "disk.img");
    const content = pattern(1_000_003);
    writeFileSync(path, content);
    const source = await openImage(path);
    expect(source).toMatchObject({ size: 1_000_003, stable: true, store: "image", holes: [] });
    const [a, b] = [Buffer.alloc(400_000), Buffer.alloc(700_000)];
    await Promise.all([source.read(b, 400_000, signal), source.read(a, 0, signal)]);
    expect(Buffer.concat([a, b.subarray(0, 600_003)]).equals(content)).toBe(true);
    expect(await source.read(Buffer.alloc(10), 1_000_003, signal)).toBe(0);
    expect(source.report()).toMatchObject({ outcome: "collected", detail: null, bad: [] });
    await source.close();
    await source.close();
    expect(source.report().outcome).toBe("collected");
  });

  test("bad sectors become zeros that are mapped exactly; every good sector next to them is kept", async () => {
    using home = temporary();
    const path = join(home.path, "bad.img");
    const content = pattern(300_000);
    writeFileSync(path, content);
    const bad = [3, 4, 5, 250, 585];
    const source = await openImage(path, (handle) => failing(handle, bad));
    const image = await readAll(source, 77_777);
    const expected = Buffer.from(content);
    for (const sector of bad) expected.fill(0, sector * 512, Math.min((sector + 1) * 512, content.length));
    expect(image.equals(expected)).toBe(true);
    const report = source.report();
    await source.close();
    expect(report.bad).toEqual([
      { offset: 1536, length: 1536 },
      { offset: 128_000, length: 512 },
      { offset: 299_520, length: 480 },
    ]);
    expect(report.outcome).toBe("truncated");
    expect(report.detail).toMatch(/^2528 bytes in 3 places could not be read/);
    expect(report.coverage?.gaps).toHaveLength(3);
  });

  test("whatever sectors are bad and however it is asked, exactly they are zeros", async () => {
    const size = 64 * 512;
    const content = pattern(size);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 0, max: 63 })), fc.integer({ min: 1, max: 20_000 }), async (bad, chunk) => {
        const reader = patientReader(async (into, offset) => {
          if (bad.some((sector) => sector * 512 < offset + into.length && (sector + 1) * 512 > offset)) throw Object.assign(new Error("EIO"), { code: "EIO" });
          into.set(content.subarray(offset, offset + into.length));
          return into.length;
        }, 512);
        const image = Buffer.alloc(size, 0xee);
        for (let at = 0; at < size; at += chunk) await reader.read(image.subarray(at, Math.min(at + chunk, size)), at, signal);
        const covered = reader.bad().flatMap(({ offset, length }) => Array.from({ length: length / 512 }, (_, index) => offset / 512 + index));
        expect(covered).toEqual([...bad].sort((a, b) => a - b));
        const expected = Buffer.from(content);
        for (const sector of bad) expected.fill(0, sector * 512, (sector + 1) * 512);
        expect(image.equals(expected)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("a device that becomes shorter is truncated, with what it promised and where it ended", async () => {
    using home = temporary();
    const path = join(home.path, "short.img");
    writeFileSync(path, pattern(500_000));
    const source = await openImage(
      path,
      (handle) => async (into, offset) => (await handle.read(into, 0, Math.max(0, Math.min(into.length, 300_000 - offset)), offset)).bytesRead,
    );
    expect((await readAll(source)).length).toBe(300_000);
    expect(source.report()).toMatchObject({ outcome: "truncated", detail: "it promised 500000 bytes and ended at 300000" });
    await source.close();
  });

  test.for([
    ["written to", (path: string) => appendFileSync(path, "more")],
    ["cut", (path: string) => truncateSync(path, 10)],
  ] as const)("an image file that is %s meanwhile is reported as changed", async ([, change]) => {
    using home = temporary();
    const path = join(home.path, "moving.img");
    writeFileSync(path, pattern(1000));
    const source = await openImage(path);
    change(path);
    await readAll(source);
    expect(source.report()).toMatchObject({ outcome: "truncated", detail: expect.stringMatching(/source changed while it was read/) });
    await source.close();
  });

  test("an error that is not a bad sector breaks the reading off", async () => {
    using home = temporary();
    const path = join(home.path, "gone.img");
    writeFileSync(path, pattern(1000));
    const source = await openImage(path, () => async () => Promise.reject(Object.assign(new Error("ENXIO: the device is gone"), { code: "ENXIO" })));
    await expect(readAll(source)).rejects.toThrow(/ENXIO/);
    await source.close();
  });

  test("what is no disk is refused with its reason", async () => {
    using home = temporary();
    execFileSync("mkfifo", [join(home.path, "pipe")]);
    mkdirSync(join(home.path, "dir"));
    expect(await diskImage(here, join(home.path, "nothing"))).toMatchObject({
      kind: "none",
      outcome: "unavailable",
      detail: expect.stringMatching(/no such file or device/),
    });
    expect(await diskImage(here, join(home.path, "dir"))).toMatchObject({
      kind: "none",
      outcome: "unavailable",
      detail: expect.stringMatching(/is a directory/),
    });
    expect(await diskImage(here, join(home.path, "pipe"))).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringMatching(/is a pipe/) });
    expect(await diskImage(here, "/dev/null")).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringMatching(/is a character-device/) });
  });

  test("a sparse image gives the same bytes as any other, whatever is asked and into whatever memory", async () => {
    using home = temporary();
    const path = join(home.path, "sparse.img");
    const content = Buffer.alloc(3 * 1024 * 1024 + 777);
    const islands = [
      [0, 5000],
      [1024 * 1024 + 13, 100_000],
      [content.length - 900, 900],
    ] as const;
    writeFileSync(path, "");
    truncateSync(path, content.length);
    const file = openSync(path, "r+");
    for (const [at, length] of islands) {
      content.set(pattern(length), at);
      writeSync(file, content, at, length, at);
    }
    closeSync(file);
    const source = await openImage(path);
    expect((await readAll(source, 1 << 20)).equals(content)).toBe(true);
    expect((await readAll(source, 99_991)).equals(content)).toBe(true);
    const shared = Buffer.from(new SharedArrayBuffer(8 << 20));
    expect(await source.read(shared, 4096, signal)).toBe(content.length - 4096);
    expect(shared.subarray(0, content.length - 4096).equals(content.subarray(4096))).toBe(true);
    expect(source.report()).toMatchObject({ outcome: "collected", bad: [] });
    await source.close();
  });

  test("a terabyte of nothing costs its sparse image no time worth naming", { timeout: 20_000 }, async (context) => {
    using home = temporary();
    const path = join(home.path, "vast.img");
    writeFileSync(path, "");
    truncateSync(path, 2 ** 40);
    if (!(await directReads(path))) context.skip();
    const source = await openImage(path);
    const into = Buffer.from(new SharedArrayBuffer(8 << 20));
    const start = performance.now();
    for (let at = 0; at < 4 * 2 ** 30; at += into.length) expect(await source.read(into, at, signal)).toBe(into.length);
    expect(performance.now() - start).toBeLessThan(4000);
    expect(await source.read(into, 2 ** 40 - 5, signal)).toBe(5);
    await source.close();
  });

  test("an empty image is empty", async () => {
    using home = temporary();
    writeFileSync(join(home.path, "empty.img"), "");
    const source = await openImage(join(home.path, "empty.img"));
    expect(source.report().outcome).toBe("empty");
    await source.close();
  });
});

async function directReads(path: string): Promise<boolean> {
  const handle = await openForHoles(path, statSync(path, { bigint: true }));
  await handle?.close();
  return handle !== null;
}
