import { expect, test } from "vitest";
import { openSnapshotImage, type SnapshotFacts } from "../../../collectors/aws/disk-image/disk-image.ts";
import type { EbsBlocks } from "../../../collectors/aws/disk-image/ebs-blocks.ts";
import type { Opened } from "../../../src/core/collector.ts";
import type { Frame } from "../../../src/core/part.ts";
import type { RangeSource } from "../../../src/core/source.ts";
import { openPartStream } from "../../../src/stream/part-stream.ts";
import { takeAll } from "../../stream/sources.ts";
import { facts, plant, quickAccounts } from "./planted-snapshot.ts";

const never = new AbortController().signal;
const run = { compress: "none", replay: [] as readonly Frame[], signal: never } as const;
/** Alone, in a row, across chunks of 8 MiB, the last block of the volume. */
const written = [3, 15, 16, 17, ...Array.from({ length: 200 }, (_, i) => 300 + i), 1000, 1008, 2047];
const accounts = (): ReturnType<ReturnType<typeof quickAccounts>> => quickAccounts()("111122223333", "eu-west-1");

function open(blocks: EbsBlocks, snapshot: SnapshotFacts = facts): Promise<Opened> {
  return openSnapshotImage(snapshot, blocks, accounts(), never);
}

async function imageOf(blocks: EbsBlocks): Promise<RangeSource> {
  const opened = await open(blocks);
  if (opened.kind !== "source" || opened.source.kind !== "ranges") throw new Error(`ranges were expected: ${JSON.stringify(opened)}`);
  return opened.source;
}

async function digestOf(blocks: EbsBlocks): Promise<string> {
  const source = await imageOf(blocks);
  await using stream = openPartStream(source, run);
  await takeAll(stream);
  await source.close();
  return (await stream.digest()).sha256;
}

test("what was never written is never asked for, and what was is asked for once", async () => {
  const planted = plant(written);
  const source = await imageOf(planted.blocks);
  expect([source.size, source.stable, source.identity]).toEqual([2 ** 30, true, "1073741824 snap-0123456789abcdef0 2026-11-24T06:00:00.000Z"]);
  await using stream = openPartStream(source, run);
  await takeAll(stream);
  expect(await stream.digest()).toEqual({ sha256: planted.digest(), bytes: 2 ** 30 });
  expect(planted.got.toSorted((a, b) => a - b)).toEqual(written);
  expect(source.report()).toMatchObject({ outcome: "collected", detail: expect.stringContaining("207 of 2048 blocks"), bad: [] });
  await source.close();
});

test.for([
  ["of three blocks", [3]],
  ["short, empty, empty again, and long", [1, 0, 0, 7, 100, 0]],
] as const)("pages %s, all with a token, lose nothing", async ([, pages]) => {
  const planted = plant(written, { pages });
  expect(await digestOf(planted.blocks)).toBe(planted.digest());
  expect(planted.got).toHaveLength(written.length);
});

test("a snapshot without a written block is zeros, and one request for its list", async () => {
  const planted = plant([]);
  expect(await digestOf(planted.blocks)).toBe(planted.digest());
  expect([planted.got, planted.listed.length]).toEqual([[], 1]);
});

test("ranges in any order give the bytes that lie there", async () => {
  const planted = plant(written);
  const source = await imageOf(planted.blocks);
  const block = 512 * 1024;
  const expected = Buffer.concat([planted.bytesOf(15), planted.bytesOf(16), planted.bytesOf(17), Buffer.alloc(block)]);
  const asked = [
    [100, 2 * block],
    [block - 7, 14],
    [0, 4 * block],
    [2 * block + 5, 2 * block - 5],
  ] as const;
  const pieces = await Promise.all(
    asked.map(async ([at, length]) => {
      const into = Buffer.alloc(length, 0xee);
      expect(await source.read(into, 15 * block + at, never)).toBe(length);
      return into;
    }),
  );
  for (const [i, [at, length]] of asked.entries()) expect(pieces[i]?.equals(expected.subarray(at, at + length))).toBe(true);
  expect(await source.read(Buffer.alloc(10), source.size - 4, never)).toBe(4);
  await source.close();
});

test("a resumed run gives the same parts from other tokens", async () => {
  const parts = [];
  let replay: readonly Frame[] = [];
  for (const compress of ["zstd", "none"] as const) {
    const planted = plant(written, { pages: compress === "zstd" ? [50] : [7] });
    const source = await imageOf(planted.blocks);
    await using stream = openPartStream(source, { compress, replay, signal: never });
    const taken = (await takeAll(stream)).parts;
    replay = taken.flatMap((part) => part.frames);
    parts.push(taken.map((part) => part.sha256));
    await source.close();
  }
  expect(parts[1]).toEqual(parts[0]);
});

test("aborted in the middle, it asks for nothing more and gives no digest", async () => {
  const controller = new AbortController();
  const planted = plant(written, {
    get: (index, got) => {
      if (index === 480) controller.abort(new Error("stopped by a person"));
      return got;
    },
  });
  const source = await imageOf(planted.blocks);
  await using stream = openPartStream(source, { ...run, signal: controller.signal });
  await expect(takeAll(stream)).rejects.toThrow("stopped by a person");
  await expect(stream.digest()).rejects.toThrow("stopped by a person");
  const asked = planted.got.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(planted.got.length).toBe(asked);
  await expect(source.read(Buffer.alloc(1), 0, controller.signal)).rejects.toThrow("stopped by a person");
  await source.close();
});

test("a read that waits for a block that never comes ends with its signal", async () => {
  const controller = new AbortController();
  const planted = plant(written);
  const hanging: EbsBlocks = {
    list: planted.blocks.list,
    get: (block, room, signal) => (block.index < 300 ? planted.blocks.get(block, room, signal) : hang(signal)),
  };
  const source = await imageOf(hanging);
  const reading = source.read(Buffer.alloc(1), 300 * 512 * 1024, controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 20);
  await expect(reading).rejects.toThrow("enough");
  await source.close();
});

test.for([
  ["pending", /is pending, not completed/],
  ["error", /is error, not completed: AWS could not make it/],
] as const)("a snapshot that is %s is unavailable, and not asked", async ([state, detail]) => {
  const planted = plant(written);
  expect(await open(planted.blocks, { ...facts, state })).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringMatching(detail) });
  expect([planted.got, planted.listed]).toEqual([[], []]);
});

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
