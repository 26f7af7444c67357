import { createCipheriv, createHash } from "node:crypto";
import { sha256OfBytes } from "../../src/core/digest.ts";
import type { Part, PartStream } from "../../src/core/part.ts";

/** What a test may do to a stream, and what it may ask it afterwards. */
export type TestStream = PartStream & {
  /** How often each part was given back: the contract says exactly once. */
  readonly released: ReadonlyMap<number, number>;
  readonly taken: () => number;
};

export type TestStreamOptions = {
  /** Called before each part is given: may wait, may throw. */
  readonly before?: (number: number) => Promise<void> | void;
  /** Ends after so many parts, as a producer does that dies without an error. */
  readonly endAfter?: number;
  readonly digestFails?: Error;
};

/** Bytes cut into parts, `as-is`, in buffers that are overwritten when they are released: who keeps one too long is found out. */
export function partsOf(bytes: Uint8Array, partSize: number, options: TestStreamOptions = {}): TestStream {
  const released = new Map<number, number>();
  let taken = 0;
  async function* parts(): AsyncGenerator<Part> {
    const count = Math.max(1, Math.ceil(bytes.length / partSize));
    for (let number = 1; number <= count; number++) {
      await options.before?.(number);
      if (options.endAfter !== undefined && number > options.endAfter) return;
      const from = (number - 1) * partSize;
      const piece = bytes.subarray(from, from + partSize);
      const buffer = new Uint8Array(new SharedArrayBuffer(piece.length)); // as the real ring's
      buffer.set(piece);
      taken = number;
      yield {
        number,
        bytes: buffer,
        sha256: sha256OfBytes(createHash("sha256").update(buffer).digest()),
        last: number === count,
        rawFrom: from,
        rawTo: from + buffer.length,
        frames: [],
        release() {
          released.set(number, (released.get(number) ?? 0) + 1);
          buffer.fill(0xdd);
        },
      };
    }
  }
  return {
    encoding: "identity",
    partSize,
    parts: parts(),
    released,
    taken: () => taken,
    async digest() {
      if (options.digestFails !== undefined) throw options.digestFails;
      return { sha256: sha256OfBytes(createHash("sha256").update(bytes).digest()), bytes: bytes.length };
    },
  };
}

/** Bytes that differ everywhere, the same for the same seed: the key stream of a cipher, since real stores want megabytes. */
export function bytesOf(length: number, seed: string): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
