import { createHash } from "node:crypto";
import { base64OfSha256, type Sha256, sha256OfBytes } from "../core/digest.ts";
import type { StoredChecksum } from "../core/lock.ts";

/** SHA-256 over the concatenated binary part digests, in part order, base64 and without the `-N` that S3 writes behind it. */
export function compositeSha256(parts: readonly Sha256[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part, "hex");
  return hash.digest("base64");
}

/** How the stored whole is described: its own digest where it was sent in one piece, else the composite of its part digests. */
export function storedChecksum(type: "full" | "composite", parts: readonly Sha256[], partSize: number): StoredChecksum {
  if (type === "composite") return { algorithm: "sha256", type, value: compositeSha256(parts), partSize: String(partSize) };
  const [only] = parts;
  if (only === undefined || parts.length !== 1) throw new TypeError(`a full checksum is of one part, not of ${parts.length}`);
  return { algorithm: "sha256", type, value: base64OfSha256(only), partSize: String(partSize) };
}

/** Digests stored bytes again as they go by in order, cut where the parts were cut. */
export class StoredDigester {
  readonly #partSize: number;
  readonly #parts: Sha256[] = [];
  #hash = createHash("sha256");
  #inPart = 0;

  /** `partSize` in bytes; Infinity for an object that was sent in one piece. */
  constructor(partSize: number) {
    if (!(partSize > 0)) throw new RangeError(`part size ${partSize} is not positive`);
    this.#partSize = partSize;
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#inPart === this.#partSize) this.#cut();
      const piece = bytes.subarray(at, at + Math.min(bytes.length - at, this.#partSize - this.#inPart));
      this.#hash.update(piece);
      this.#inPart += piece.length;
      at += piece.length;
    }
  }

  /** The digests of all parts; an empty object is one empty part. */
  finish(): readonly Sha256[] {
    this.#cut();
    return this.#parts;
  }

  #cut(): void {
    this.#parts.push(sha256OfBytes(this.#hash.digest()));
    this.#hash = createHash("sha256");
    this.#inPart = 0;
  }
}
