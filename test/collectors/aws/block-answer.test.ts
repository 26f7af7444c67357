import fc from "fast-check";
import { expect, test } from "vitest";
import { answerReader, NotPlain, type PlainAnswer } from "../../../collectors/aws/disk-image/block-answer.ts";
import { noise } from "../../stream/sources.ts";

const block = noise(100_000);
const head = (length: number, more = ""): string => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\nX-Amz-Checksum:  abc=\t\r\n${more}\r\n`;

/** Pieces as the system gives them: in one memory that is written over with the next. */
function read(wire: Buffer, cuts: readonly number[], room: Uint8Array = Buffer.alloc(block.length)): PlainAnswer | null {
  const reader = answerReader(() => room);
  const common = Buffer.alloc(wire.length);
  let answer: PlainAnswer | null = null;
  for (const [i, from] of [0, ...cuts].entries()) {
    const length = wire.copy(common, 0, from, cuts[i] ?? wire.length);
    if (length > 0) answer = reader(common.subarray(0, length));
    common.fill(0xee);
  }
  return answer;
}

test("however it is cut, an answer is the same, and its body lies in the room given", () => {
  const wire = Buffer.concat([Buffer.from(head(block.length)), block]);
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 40 }), fc.boolean(), (cuts, shared) => {
      const room = shared ? Buffer.from(new SharedArrayBuffer(block.length)) : Buffer.alloc(block.length);
      const answer = read(
        wire,
        cuts.toSorted((a, b) => a - b),
        room,
      );
      expect([answer?.status, answer?.keep, answer?.headers]).toEqual([200, true, { "content-length": "100000", "x-amz-checksum": "abc=" }]);
      expect(room.equals(block)).toBe(true);
      expect(answer?.body.buffer).toBe(room.buffer);
    }),
    { numRuns: 50 },
  );
});

test("an answer cut short is none", () => {
  const wire = Buffer.concat([Buffer.from(head(block.length)), block]);
  for (const end of [10, head(block.length).length, wire.length - 1]) expect(read(wire.subarray(0, end), [])).toBeNull();
});

test("a shorter body than the room is that short, and an empty one ends with its head", () => {
  expect(read(Buffer.from(`${head(5)}12345`), [])?.body.length).toBe(5);
  expect(read(Buffer.from(head(0)), [])?.body.length).toBe(0);
});

test("a refusal's body does not touch the room", () => {
  const room = Buffer.alloc(100, 7);
  const answer = read(Buffer.from("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"), [], room);
  expect([answer?.status, answer?.keep, Buffer.from(answer?.body ?? []).toString(), room.every((byte) => byte === 7)]).toEqual([400, false, "{}", true]);
});

test.for([
  ["chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["without a length", "HTTP/1.1 200 OK\r\n\r\n"],
  ["compressed", head(5, "Content-Encoding: gzip\r\n")],
  ["longer than the room", head(100_001)],
  ["interim", "HTTP/1.1 103 Early Hints\r\n\r\n"],
] as const)("an answer that is %s is for another reader", ([, text]) => {
  expect(() => read(Buffer.from(text), [])).toThrow(NotPlain);
});

test.for([
  ["is not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", /does not speak HTTP/],
  ["has two lengths", head(5, "content-length: 6\r\n"), /content-length twice/],
  ["has two checksums", head(5, "x-amz-checksum: x\r\n"), /x-amz-checksum twice/],
  ["has a folded header", head(5, "a: b\r\n c\r\n"), /header that is none/],
  ["goes on behind its end", `${head(5)}123456`, /more bytes than its Content-Length/],
  ["has an endless head", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(6000)}`, /longer than 32 KiB/],
] as const)("an answer that %s is refused", ([, text, said]) => {
  expect(() => read(Buffer.from(text), [])).toThrow(said);
  expect(() => read(Buffer.from(text), [20, 40])).toThrow(said);
});
