import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { openSnapshotImage } from "../../../collectors/aws/disk-image/disk-image.ts";
import type { EbsBlocks, No, Page } from "../../../collectors/aws/disk-image/ebs-blocks.ts";
import { openPartStream } from "../../../src/stream/part-stream.ts";
import { takeAll } from "../../stream/sources.ts";
import { facts, plant, quickAccounts } from "./planted-snapshot.ts";

const never = new AbortController().signal;
const written = [...Array.from({ length: 300 }, (_, i) => 2 * i), 1500, 1501];

async function digestOf(blocks: EbsBlocks): Promise<string> {
  const opened = await openSnapshotImage(facts, blocks, quickAccounts()("111122223333", "eu-west-1"), never);
  if (opened.kind !== "source") throw new Error(`a source was expected: ${JSON.stringify(opened)}`);
  await using stream = openPartStream(opened.source, { compress: "none", replay: [], signal: never });
  try {
    await takeAll(stream);
    return (await stream.digest()).sha256;
  } finally {
    await opened.source.close();
  }
}

test.for(["blocks", "pages"] as const)("tokens of %s that end in the middle are listed again, from there", async (what) => {
  let expired = 0;
  const planted = plant(written, {
    pages: [40],
    get: (index, got) => {
      if ([100, 101, 350, 1500].includes(index)) {
        planted.expire(what);
        expired += 1;
      }
      return got;
    },
  });
  expect(await digestOf(planted.blocks)).toBe(planted.digest());
  expect(expired).toBeGreaterThan(2);
  expect(planted.listed.filter((from) => from.kind === "index").length).toBeGreaterThan(1);
  // Tokens of what was under way are refused once each, not those of the whole list.
  expect(planted.got.length).toBeLessThan(written.length + expired * 140);
});

test("tokens that are never taken end it, with the service's words", async () => {
  const invalid: No = { kind: "invalid", text: "ValidationException: The block token is not valid" };
  const planted = plant(written, { get: (index, got) => (index === 40 ? invalid : got) });
  await expect(digestOf(planted.blocks)).rejects.toThrow(/block 40 was refused: ValidationException: The block token is not valid/);
});

test("half of all requests throttled only makes it slower", async () => {
  let calls = 0;
  const throttled: No = { kind: "throttled", limit: null };
  const planted = plant(written, {
    pages: [25],
    get: (_, got) => (calls++ % 2 === 0 ? throttled : got),
    list: (_, page) => (calls++ % 3 === 0 ? throttled : page),
  });
  expect(await digestOf(planted.blocks)).toBe(planted.digest());
});

test("a wrong checksum that is right the next time is nothing but a second request", async () => {
  const planted = plant(written, { get: (_, got, time) => (time < 3 ? { ...got, checksum: "A".repeat(43).concat("=") } : got) });
  expect(await digestOf(planted.blocks)).toBe(planted.digest());
});

test("bytes damaged on the way are not taken", async () => {
  const planted = plant(written, { get: (index, got, time) => (index === 200 && time === 1 ? { ...got, bytes: Buffer.alloc(512 * 1024) } : got) });
  expect(await digestOf(planted.blocks)).toBe(planted.digest());
});

test("a service whose checksum is wrong for ever is named, with the block, both digests and the number of tries", async () => {
  const lie = createHash("sha256").update("other bytes").digest("base64");
  const planted = plant(written, { get: (index, got) => (index === 122 ? { ...got, checksum: lie } : got) });
  const right = createHash("sha256").update(planted.bytesOf(122)).digest("base64");
  const error = await digestOf(planted.blocks).catch((thrown: unknown) => String(thrown));
  expect(error).toContain("snap-0123456789abcdef0: block 122 (bytes 63963136-64487423) does not match the service's own checksum");
  expect(error).toContain(`x-amz-Checksum says ${lie}, the bytes have SHA-256 ${right}, in each of 4 tries`);
  expect(planted.got.filter((index) => index === 122)).toHaveLength(4);
});

test.for([
  ["no checksum", { checksum: null }, /x-amz-Checksum says \(nothing\)/],
  ["another algorithm", { algorithm: "CRC32" }, /algorithm CRC32 and not SHA256/],
  ["no algorithm", { algorithm: null }, /algorithm \(none\) and not SHA256/],
  ["another length than it says", { length: 4096 }, /came with 524288 bytes, and says it has 4096/],
  ["fewer bytes", { bytes: Buffer.alloc(1000) }, /came with 1000 bytes, and says it has 524288; a block has 524288/],
] as const)("a block with %s is refused", async ([, change, said]) => {
  const planted = plant(written, { get: (index, got) => (index === 30 ? { ...got, ...change } : got) });
  await expect(digestOf(planted.blocks)).rejects.toThrow(said);
});

const ofBlocks = (page: Page, indices: readonly number[]): Page => ({
  ...page,
  nextToken: null,
  blocks: indices.map((index) => ({ index, token: `0-${index}` })),
});

test.for([
  ["goes backwards", (page: Page) => ofBlocks(page, [0, 4, 2]), /names block 2 after block 4/],
  ["repeats a block", (page: Page) => ofBlocks(page, [0, 2, 2]), /names block 2 after block 2/],
  ["leaves the volume", (page: Page) => ofBlocks(page, [0, 2048]), /names block 2048, and a volume of 1 GiB has 2048/],
  ["has blocks of another size", (page: Page) => ({ ...page, blockSize: 512 }), /blocks of 512 bytes, not 524288/],
  ["is of a volume of another size", (page: Page) => ({ ...page, volumeGiB: 2 }), /2 GiB, and DescribeSnapshots 1/],
  ["gives one page token for ever", (page: Page) => ({ ...page, blocks: [], nextToken: "0-0" }), /again and again/],
] as const)("a list that %s is no list", async ([, change, said]) => {
  const planted = plant(written, { list: (_, page) => change(page) });
  await expect(digestOf(planted.blocks)).rejects.toThrow(said);
});

test("a block that was listed and is not when its token ends is named", async () => {
  const planted = plant(written, {
    list: (from, page) => (from.kind === "index" && from.index > 0 ? { ...page, blocks: page.blocks.slice(1) } : page),
    get: (index, got) => {
      if (index === 100) planted.expire("blocks");
      return got;
    },
  });
  await expect(digestOf(planted.blocks)).rejects.toThrow(/named block \d+ at first and no longer does/);
});

test.for([
  ["denied", "list"],
  ["denied", "get"],
  ["unavailable", "list"],
  ["unavailable", "get"],
] as const)("what is %s at the first %s is that outcome, before a byte is stored", async ([outcome, call]) => {
  const no: No = { kind: "refused", outcome, text: "AccessDeniedException: kms:Decrypt\u0007 (request r-1)" };
  const planted = plant(written, { [call]: () => no });
  expect(await openSnapshotImage(facts, planted.blocks, quickAccounts()("1", "r"), never)).toEqual({
    kind: "none",
    outcome,
    detail: expect.stringMatching(/^snap-0123456789abcdef0: .* was refused: AccessDeniedException: kms:Decrypt.* \(request r-1\)$/),
  });
});

test("a right that is taken away in the middle ends the image, with the block", async () => {
  const planted = plant(written, { get: (index, got) => (index < 500 ? got : { kind: "refused", outcome: "denied", text: "AccessDeniedException" }) });
  await expect(digestOf(planted.blocks)).rejects.toThrow(/block 500 was refused: AccessDeniedException/);
});
