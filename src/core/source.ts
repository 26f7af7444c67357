import type { Landing } from "./landing.ts";
import type { Coverage, Extent, Outcome } from "./outcome.ts";

/**
 * What a source has to say once its bytes have been read to the end. A source never pretends: what it could not give
 * (unreadable files, bad sectors, a device that became shorter) stands in `outcome`, `detail` and `coverage`.
 */
export type SourceReport = {
  readonly outcome: Outcome;
  readonly detail: string | null;
  readonly coverage: Coverage | null;
  /** Number of inner files where the exhibit is a container of files, else null. */
  readonly files: number | null;
  /** Ranges that could not be read and are zeros in the bytes given. */
  readonly bad: readonly Extent[];
};

type SourceHead = {
  /** What the exhibit is called in lists; printable (see printable()). */
  readonly name: string;
  readonly mediaType: string;
  /** `image` bytes are stored as seekable zstd (design.md, integrity rule 2); `as-is` bytes are stored unchanged. */
  readonly store: "image" | "as-is";
  /** May be called once the bytes have ended; before that the answer is not defined. */
  report(): SourceReport;
  /** Gives back descriptors and children. Safe to repeat. */
  close(): Promise<void>;
};

/**
 * Bytes that can be asked for by range. Only a `stable` one may be re-read as the same evidence (an image file, a locked
 * snapshot); a live one (a mounted device) cannot be resumed.
 */
export type RangeSource = SourceHead & {
  readonly kind: "ranges";
  /** Bytes promised when it was opened. */
  readonly size: number;
  readonly stable: boolean;
  /** Size, times and inode of a stable source when it was opened: two openings that differ are not of the same evidence. */
  readonly identity: string | null;
  /** Ranges known to be zero without reading, ascending, not overlapping. Empty where `dataFrom` tells them. */
  readonly holes: readonly Extent[];
  /**
   * For a source that learns its holes on the way (a snapshot's list of blocks comes in pages): the next range at or behind
   * `offset` that has to be read, or null where all the rest is zeros. What lies before it is zeros; behind it nothing is said.
   * Asked with rising offsets.
   */
  dataFrom?(offset: number, signal: AbortSignal): Promise<Extent | null>;
  /**
   * Fills `into` from `offset` as far as the source goes and returns the bytes filled. Fewer than asked means that the source
   * ended there (and its report says `truncated` where that was not promised). Concurrent calls are allowed.
   */
  read(into: Uint8Array, offset: number, signal: AbortSignal): Promise<number>;
};

/** Bytes that can be read once, in order. An exception thrown while iterating means: cut short, no digest. */
export type StreamSource = SourceHead & {
  readonly kind: "stream";
  /** Bytes promised, where the producer knows; null where it does not. */
  readonly size: number | null;
  bytes(signal: AbortSignal): AsyncIterable<Uint8Array>;
};

/**
 * Bytes that the target pushes into the vault by itself, through a Landing. The runner opens the landing, lets `push` drive the
 * target, completes the object, and reads it back through `inspect` while it computes the digest that counts.
 */
export type PushSource = SourceHead & {
  readonly kind: "push";
  /** Bytes a part. */
  readonly partSize: number;
  /** Whether it goes on with what an interrupted run began; if not, it starts again under a new number. */
  readonly continues: boolean;
  /** Resolves when the target has ended, well or not. Its claims are compared with what landed by report(). */
  push(landing: Landing, signal: AbortSignal): Promise<void>;
  /** Sees every byte of the finished object, in order. */
  inspect(bytes: Uint8Array): void;
};

export type Source = RangeSource | StreamSource;
