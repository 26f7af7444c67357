import type { Sha256 } from "./digest.ts";

export type Compression = "auto" | "none" | "zstd";

/** How one chunk of an image was framed. Journaled, so that a resumed run takes the same decisions and gives the same bytes. */
export type Frame = {
  readonly how: "zero" | "stored" | "compressed";
  /** Offset in the raw evidence of the frame's first byte: parts are acknowledged in any order, so that a journal has gaps. */
  readonly at: number;
  /** Bytes of raw evidence in the frame. */
  readonly raw: number;
  /** Bytes of the frame as stored. */
  readonly stored: number;
  /**
   * Of a compressed frame: the content checksum that the compressor put at its end (RFC 8878 §3.1.1). It lets a resumed run tell
   * a changed source from another compressor, which may give other bytes for the same content.
   */
  readonly check?: number;
};

/**
 * One part of the stored object: every part but the last has exactly `partSize` bytes.
 * `bytes` is a view of a reused buffer: it is valid until `release()` is called, which every consumer must do once.
 */
export type Part = {
  /** From 1, as in S3. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly sha256: Sha256;
  readonly last: boolean;
  /** Raw bytes [rawFrom, rawTo) that this part holds (whole frames that touch it): names the place when a part differs. */
  readonly rawFrom: number;
  readonly rawTo: number;
  /** Frames that *begin* in this part, so that parts 1…n name every frame they hold a byte of; empty for `as-is` bytes. */
  readonly frames: readonly Frame[];
  release(): void;
};

/** What is known of the raw evidence once the stream has ended normally, with the length that was promised. */
export type RawDigest = {
  readonly sha256: Sha256;
  readonly bytes: number;
};

/** A source being turned into parts, once. `digest` exists only after the last part was taken and the source ended normally. */
export type PartStream = {
  readonly encoding: "identity" | "zstd";
  readonly partSize: number;
  readonly parts: AsyncIterable<Part>;
  /** Rejects unless the stream ended normally: a stream cut short gets no digest. */
  digest(): Promise<RawDigest>;
};
