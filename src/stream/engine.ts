import type { Part, RawDigest } from "../core/part.ts";
import type { RawChunk, RawSlots } from "./raw-reader.ts";

/** Turns the chunks of one long source into parts and its whole digest, in worker threads. */
export type Engine = {
  /** Resolves when the last part was given and every raw byte is in the digest. Called once. */
  run(chunksInto: (slots: RawSlots) => AsyncGenerator<RawChunk>): Promise<RawDigest>;
  /** Wakes whatever waits. */
  fail(error: unknown): void;
  /** Ends the threads, and gives the buffers back as soon as nobody uses them. */
  close(): Promise<void>;
};

export type EngineEvents = {
  readonly part: (part: Part) => void;
  readonly failed: (error: unknown) => void;
  /** Raw bytes handed to the workers so far. */
  readonly progress: (rawBytes: number) => void;
};

export const maxOrders = 16;
