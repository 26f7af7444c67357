import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ahead } from "../../../collectors/aws/logs/ahead.ts";
import { hashContent, type HashedLog } from "../../../collectors/aws/digests/logs.ts";
import { logHashes } from "../../../collectors/aws/logs/log-hashes.ts";
import { packedLines } from "../../../collectors/aws/logs/packed-lines.ts";
import { firstPass, secondPass } from "../../../collectors/aws/logs/pass.ts";
import { readAlong } from "../../../collectors/aws/logs/read-along.ts";

const signal = new AbortController().signal;

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function whole(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of bytes) all.push(chunk);
  return Buffer.concat(all);
}

describe("a log file that is hashed on its way", () => {
  const content = randomBytes(300_000);
  const along = (stored: Uint8Array, seen: (found: HashedLog) => void) => readAlong(pieces(stored, 1000), (copy) => hashContent(1 << 30, copy, signal), seen);

  test("gives the hash of its content, and its stored bytes are untouched", async () => {
    const stored = gzipSync(content);
    let found: HashedLog | null = null;
    expect((await whole(along(stored, (one) => (found = one)))).equals(stored)).toBe(true);
    expect(found).toEqual({ kind: "hash", sha256: createHash("sha256").update(content).digest("hex") });
  });

  test.for([
    ["no gzip file", Buffer.from("plain text, many times over ".repeat(1000))],
    ["cut short", gzipSync(content).subarray(0, 200_000)],
    ["with more behind it", Buffer.concat([gzipSync(content), Buffer.from("and more".repeat(5000))])],
  ] as const)("%s: damaged, and all its bytes are there", async ([, stored]) => {
    let found: HashedLog | null = null;
    expect((await whole(along(stored, (one) => (found = one)))).equals(stored)).toBe(true);
    expect(found).toMatchObject({ kind: "damaged" });
  });

  test("a source that breaks says nothing of its content", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* pieces(gzipSync(content).subarray(0, 5000), 1000);
      throw new Error("broke");
    }
    let asked = false;
    await expect(
      whole(
        readAlong(
          broken(),
          (copy) => hashContent(1 << 30, copy, signal),
          () => (asked = true),
        ),
      ),
    ).rejects.toThrow("broke");
    expect(asked).toBe(false);
  });
});

test("hashes of a hundred thousand log files, and why some have none", () => {
  const hashes = logHashes();
  const sha256 = (i: number): string => createHash("sha256").update(`${i}`).digest("hex");
  for (let i = 0; i < 100_000; i += 1)
    hashes.add({ bucket: "b", key: `k${i}` }, i % 1000 === 0 ? { kind: "damaged", why: `${i}` } : { kind: "hash", sha256: sha256(i) });
  for (const i of [1, 999, 99_999]) expect(hashes.get({ bucket: "b", key: `k${i}` })).toEqual({ kind: "hash", sha256: sha256(i) });
  expect(hashes.get({ bucket: "b", key: "k5000" })).toEqual({ kind: "damaged", why: "5000" });
  expect(hashes.get({ bucket: "c", key: "k1" })).toBeNull();
});

test("packed lines come back as they went in, as often as they are asked for", async () => {
  const packed = packedLines();
  const lines = Array.from({ length: 20_000 }, (_, i) => `AWSLogs/${i}/ü-${"x".repeat(i % 50)}`);
  for (const line of lines) packed.add(line);
  for (let twice = 0; twice < 2; twice += 1) {
    const found: string[] = [];
    for await (const line of packed.lines()) found.push(line);
    expect(found).toEqual(lines);
  }
  const bytes = await whole(packed.bytes());
  expect([bytes.length, bytes.toString("utf8")]).toEqual([packed.size, `${lines.join("\n")}\n`]);
});

describe("opened ahead", () => {
  async function* numbers(): AsyncGenerator<number> {
    for (let i = 0; i < 20; i += 1) yield await Promise.resolve(i);
  }

  test("in order, never more than the width at once, and what is not taken is dropped", async () => {
    let [open, most] = [0, 0];
    const dropped: number[] = [];
    const taken: number[] = [];
    const opened = async (i: number): Promise<number> => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => void setTimeout(resolve, 20 - i));
      open -= 1;
      return i;
    };
    for await (const i of ahead(numbers(), 4, opened, (one) => dropped.push(one))) {
      taken.push(i);
      if (i === 9) break;
    }
    await new Promise((resolve) => void setTimeout(resolve, 30));
    expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(most).toBeLessThanOrEqual(4);
    expect(dropped.toSorted((a, b) => a - b)).toEqual([10, 11, 12]);
  });
});

describe("two passes", () => {
  const asOf = new Date("2026-11-24T12:00:00.000Z");
  const ago = (seconds: number): Date => new Date(asOf.getTime() - seconds * 1000);

  test("the second takes what is new, and of what had just arrived only what the first did not see", () => {
    const first = firstPass();
    const source = first.source("s", asOf);
    for (const [id, age] of [
      ["old", 600],
      ["near", 60],
    ] as const)
      source.wants(id, ago(age));
    source.done();
    first.source("broken", asOf).wants("x", ago(600));
    const second = secondPass(JSON.parse(JSON.stringify(first.memory())));
    const again = second.source("s", asOf);
    expect([again.wants("old", ago(600)), again.wants("near", ago(60)), again.wants("beside", ago(60)), again.wants("new", ago(-60))]).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(second.source("broken", asOf).wants("x", ago(600))).toBe(true); // never read to its end
    expect(second.source("unheard", asOf).wants("x", ago(600))).toBe(true);
  });

  test("its memory is small, however much arrives, and what is forgotten is taken twice", () => {
    const first = firstPass();
    const source = first.source("s", asOf);
    for (let i = 0; i < 100_000; i += 1) source.wants(`${i}`, asOf);
    source.done();
    const memory = first.memory();
    expect(JSON.stringify(memory).length).toBeLessThan(200_000);
    expect(secondPass(memory).source("s", asOf).wants("99999", asOf)).toBe(true);
  });

  test.for([["text"], [{ s: null }], [{ s: { asOf: "when", known: "" } }]])("what no first pass left is refused: %j", ([memory]) => {
    expect(() => secondPass(memory ?? null)).toThrow(/not what a first pass leaves/);
  });
});
