import { createHash, hash } from "node:crypto";
import { base64OfSha256, parseSha256, type Sha256 } from "../core/digest.ts";
import { HoldfastError } from "../core/error.ts";
import type { StoredChecksum } from "../core/lock.ts";
import type { Part, PartStream } from "../core/part.ts";
import { printable } from "../core/printable.ts";
import type { PartNote } from "../core/vault.ts";

export const sha256OfNothing: Sha256 = parseSha256(hash("sha256", new Uint8Array(0)));

/** Takes the parts of a stream one by one, compares each with what was journaled, and remembers their digests. */
export type Taker = {
  /** The next part, which the caller must release; null after the last, if the stream ended as it promised. */
  next(): Promise<Part | null>;
  readonly bytes: () => number;
  readonly checksum: () => StoredChecksum;
  /** Gives up: lets the source go. Safe to repeat, and after the end. */
  stop(): void;
};

export function takerOf(key: string, stream: PartStream, known: ReadonlyMap<number, PartNote>, signal: AbortSignal): Taker {
  const iterator = stream.parts[Symbol.asyncIterator]();
  const digests: Sha256[] = [];
  let bytes = 0;
  let ended = false;
  let stopped = false;

  function check(part: Part): void {
    if (ended || part.number !== digests.length + 1 || (!part.last && part.bytes.length !== stream.partSize))
      throw new HoldfastError("unexpected", `${printable(key)}: part ${part.number} does not follow part ${digests.length}`);
    const note = known.get(part.number);
    if (note !== undefined && (note.sha256 !== part.sha256 || note.bytes !== part.bytes.length))
      throw new HoldfastError(
        "source-changed",
        `${printable(key)}: the source differs from what was read before, somewhere in its bytes ${part.rawFrom} to ${part.rawTo}; start it again as a new exhibit`,
      );
  }

  return {
    async next() {
      const { done, value: part } = await iterator.next();
      if (done === true) {
        if (digests.length > 0 && !ended) throw new HoldfastError("unexpected", `${printable(key)}: the stream ended without its last part`);
        if (known.size > digests.length)
          throw new HoldfastError(
            "source-changed",
            `${printable(key)}: the source now ends ${known.size - digests.length} parts before what was read before; start it again as a new exhibit`,
          );
        await stream.digest(); // rejects if the stream was cut short: such bytes never become an object
        return null;
      }
      try {
        signal.throwIfAborted();
        if (stopped) throw new HoldfastError("unexpected", `${printable(key)}: a part came after its upload had ended`);
        check(part);
      } catch (error) {
        part.release();
        throw error;
      }
      digests.push(part.sha256);
      bytes += part.bytes.length;
      ended = part.last;
      return part;
    },
    bytes: () => bytes,
    checksum: () => checksumOf(digests, stream.partSize),
    stop() {
      stopped = true;
      // Not awaited: a source that hangs in a read must not keep the failure from being told.
      void iterator.return?.().catch(() => undefined);
    },
  };
}

/** One part: its own digest; several: SHA-256 over the binary part digests, S3's COMPOSITE. */
function checksumOf(digests: readonly Sha256[], partSize: number): StoredChecksum {
  const [only = sha256OfNothing] = digests;
  if (digests.length <= 1) return { algorithm: "sha256", type: "full", value: base64OfSha256(only), partSize: String(partSize) };
  const composite = createHash("sha256");
  for (const digest of digests) composite.update(Buffer.from(digest, "hex"));
  return { algorithm: "sha256", type: "composite", value: composite.digest("base64"), partSize: String(partSize) };
}
