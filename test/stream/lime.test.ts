import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limeWalker, parseIomem } from "../../src/stream/lime.ts";

type Given = { readonly start: bigint; readonly content: Buffer };

function header(magic: "EMiL" | "AVML", version: number, start: bigint, end: bigint): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.write(magic, 0, "latin1");
  bytes.writeUInt32LE(version, 4);
  bytes.writeBigUInt64LE(start, 8);
  bytes.writeBigUInt64LE(end, 16);
  return bytes;
}

function raw({ start, content }: Given): Buffer {
  return Buffer.concat([header("EMiL", 1, start, start + BigInt(content.length) - 1n), content]);
}

/** Snappy framing format: identifier, then blocks of at most 64 KiB, here as literals or uncompressed. */
function packed({ start, content }: Given, style: "literal" | "uncompressed" = "literal"): Buffer {
  const frames: Buffer[] = [Buffer.from("ff060000734e61507059", "hex")];
  for (let at = 0; at < content.length; at += 65536) {
    const block = content.subarray(at, at + 65536);
    const body = style === "uncompressed" ? block : Buffer.concat([varint(block.length), literal(block)]);
    const head = Buffer.alloc(8);
    head.writeUInt8(style === "uncompressed" ? 1 : 0, 0);
    head.writeUIntLE(body.length + 4, 1, 3);
    frames.push(head, body);
  }
  const all = Buffer.concat(frames);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(all.length));
  return Buffer.concat([header("AVML", 2, start, start + BigInt(content.length) - 1n), all, size]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

function literal(block: Buffer): Buffer {
  const tag = Buffer.alloc(3);
  tag.writeUInt8((61 << 2) | 0, 0);
  tag.writeUInt16LE(block.length - 1, 1);
  return Buffer.concat([tag, block]);
}

function walk(image: Buffer, chunk = image.length, ram: ReturnType<typeof parseIomem> = null): ReturnType<ReturnType<typeof limeWalker>["end"]> {
  const walker = limeWalker();
  for (let at = 0; at < image.length; at += chunk) walker.push(image.subarray(at, at + chunk));
  return walker.end(ram);
}

const low: Given = { start: 0x1000n, content: Buffer.alloc(0x9e000, 1) };
const high: Given = { start: 0x100000n, content: Buffer.alloc(200_000, 2) };
const iomem = "00000000-00000fff : Reserved\n00001000-0009efff : System RAM\n00100000-00bfffff : System RAM\n  00200000-002fffff : Kernel code\n";

describe("walking a memory image", () => {
  test("the header of the LiME specification is read as published", () => {
    const published = Buffer.from("454d694c" + "01000000" + "0010000000000000" + "0000020000000000" + "0000000000000000", "hex");
    const image = Buffer.concat([published, Buffer.alloc(0x20000 - 0x1000 + 1)]);
    expect(walk(image)).toEqual({ records: [{ start: 0x1000n, end: 0x20000n }], bytes: 0x1f001n, problems: [] });
  });

  test.for(["raw", "literal", "uncompressed"] as const)("a whole image (%s) has no problems, in whatever pieces it comes", (style) => {
    const image = Buffer.concat([low, high].map((given) => (style === "raw" ? raw(given) : packed(given, style))));
    const expected = {
      records: [low, high].map(({ start, content }) => ({ start, end: start + BigInt(content.length) - 1n })),
      bytes: BigInt(low.content.length + high.content.length),
      problems: [],
    };
    expect(walk(image, image.length, parseIomem(iomem))).toEqual(expected);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70_000 }), (chunk) => void expect(walk(image, chunk)).toEqual(expected)),
      { numRuns: 20 },
    );
  });

  test.for(["raw", "literal"] as const)("an image (%s) cut anywhere but between records is never whole", (style) => {
    const one = style === "raw" ? raw(high) : packed(high);
    const image = Buffer.concat([one, one]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: image.length - 1 }), (length) => {
        const { problems } = walk(image.subarray(0, length));
        if (length === one.length) expect(problems).toEqual([]);
        else expect(problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });

  test("records outside System RAM, overlapping records and foreign bytes are named", () => {
    expect(walk(raw({ start: 0n, content: Buffer.alloc(4096) }), 1000, parseIomem(iomem)).problems).toEqual([
      "record 0-fff is not within System RAM of /proc/iomem",
    ]);
    expect(walk(Buffer.concat([raw(high), raw(high)])).problems).toEqual([expect.stringMatching(/overlaps/)]);
    expect(walk(Buffer.concat([raw(low), Buffer.alloc(64, 0x41)])).problems).toEqual([expect.stringMatching(/no record header/)]);
    expect(walk(Buffer.alloc(0)).problems).toEqual(["it has no whole record"]);
  });

  test("a packed record whose trailer lies about its length is named", () => {
    const image = packed(high);
    image.writeBigUInt64LE(5n, image.length - 8);
    expect(walk(image).problems[0]).toMatch(/says it has 5/);
  });

  test("addresses hidden from an ordinary user are unknown, not zero", () => {
    expect(parseIomem("00000000-00000000 : System RAM\n00000000-00000000 : Reserved\n")).toBeNull();
    expect(parseIomem(iomem)).toEqual([
      { start: 0x1000n, end: 0x9efffn },
      { start: 0x100000n, end: 0xbfffffn },
    ]);
  });
});
