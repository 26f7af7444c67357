import { expect, test } from "vitest";
import type { Frame } from "../../src/core/part.ts";
import type { PutJournal, PutState } from "../../src/core/vault.ts";
import { openPartStream } from "../../src/stream/part-stream.ts";
import type { Shape } from "../../src/stream/part-size.ts";
import { withoutGaps } from "../../src/stream/without-gaps.ts";
import { noise, rangesOf, takeAll, text } from "./sources.ts";

const shape: Shape = { chunkBytes: 64 * 1024, partSize: 96 * 1024, inlineBytes: 0, rawSlots: 2, partSlots: 3 };
const raw = Buffer.concat([noise(150_000), Buffer.alloc(200_000), text(400_000), noise(5)]);
const signal = new AbortController().signal;

async function run(bytes: Buffer, compress: "auto" | "none" | "zstd", replay: readonly Frame[], inline = false) {
  await using stream = openPartStream(rangesOf(bytes), { compress, replay, signal }, inline ? { ...shape, inlineBytes: 1e9 } : shape);
  return await takeAll(stream);
}

test.for([false, true])("a resumed run gives the same bytes, whatever it would have decided itself (inline: %s)", async (inline) => {
  const first = await run(raw, "zstd", []);
  const frames = first.parts.flatMap((part) => part.frames);
  expect((await run(raw, "none", [], inline)).stored.equals(first.stored)).toBe(false);
  expect((await run(raw, "none", frames, inline)).stored.equals(first.stored)).toBe(true);
});

test("the frames of the first parts are enough for those parts, the frame cut by their end included", async () => {
  const first = await run(raw, "zstd", []);
  for (let kept = 1; kept < first.parts.length; kept += 1) {
    const frames = first.parts.slice(0, kept).flatMap((part) => part.frames);
    const again = await run(raw, "none", frames);
    expect(again.parts.slice(0, kept).map((part) => part.sha256)).toEqual(first.parts.slice(0, kept).map((part) => part.sha256));
  }
});

test("frames journaled behind a missing part still belong to their own chunks", async () => {
  const first = await run(raw, "none", []);
  const frames = first.parts.filter((part) => part.number !== 2).flatMap((part) => part.frames);
  expect((await run(raw, "none", frames)).stored.equals(first.stored)).toBe(true);
});

test.for([
  ["bytes where zeros were", 210_000, 1],
  ["a changed byte in a compressed chunk", 500_000, 0xff],
] as const)("%s are the source's change, with its range", async ([, at, byte]) => {
  const frames = (await run(raw, "zstd", [])).parts.flatMap((part) => part.frames);
  const changed = Buffer.from(raw);
  changed[at] = byte;
  const chunk = at - (at % shape.chunkBytes);
  await expect(run(changed, "zstd", frames)).rejects.toMatchObject({
    code: "source-changed",
    message: expect.stringContaining(`[${chunk}, ${chunk + shape.chunkBytes})`),
  });
});

test("zeros where bytes were are the source's change", async () => {
  const frames = (await run(raw, "none", [])).parts.flatMap((part) => part.frames);
  const changed = Buffer.from(raw).fill(0, 0, 65_536);
  await expect(run(changed, "none", frames)).rejects.toMatchObject({ code: "source-changed" });
});

test("other bytes for the same content are the compressor's difference, not the source's", async () => {
  const frames = (await run(raw, "zstd", [])).parts.flatMap((part) => part.frames);
  const other = frames.map((frame) => (frame.how === "compressed" ? { ...frame, stored: frame.stored + 1 } : frame));
  await expect(run(raw, "zstd", other)).rejects.toMatchObject({ code: "unexpected", message: expect.stringContaining("compressor") });
});

test("a journal with a gap counts up to the gap only", () => {
  const note = (number: number) => ({ number, bytes: 1, sha256: first.sha256, tag: "", rawFrom: 0, rawTo: 0, frames: [] });
  const first = { sha256: "0".repeat(64) as never };
  const kept = (numbers: readonly number[]): readonly number[] | undefined => {
    const state: PutState = { token: "t", partSize: 1, parts: numbers.map(note), completing: false };
    const journal: PutJournal = { load: () => state, begin() {}, part() {}, completing() {}, reset() {} };
    return withoutGaps(journal)
      .load()
      ?.parts.map((part) => part.number);
  };
  expect([kept([]), kept([1, 2, 3]), kept([2, 1, 4]), kept([2, 3])]).toEqual([[], [1, 2, 3], [1, 2], []]);
});
