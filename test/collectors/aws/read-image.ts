import { createHash } from "node:crypto";
import type { RangeSource } from "../../../src/core/source.ts";

/** SHA-256 of a source read from front to end in pieces that fit no block. */
export async function readAll(source: RangeSource, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const piece = Buffer.alloc(5_000_003);
  try {
    for (let offset = 0; offset < source.size; ) {
      const got = await source.read(piece, offset, signal);
      if (got === 0) throw new Error(`the source ended at ${offset}`);
      hash.update(piece.subarray(0, got));
      offset += got;
    }
    return hash.digest("hex");
  } finally {
    await source.close();
  }
}
