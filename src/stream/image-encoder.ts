import { createHash, type Hash } from "node:crypto";
import { type Sha256, sha256OfBytes } from "../core/digest.ts";
import { HoldfastError } from "../core/error.ts";
import type { Frame } from "../core/part.ts";
import { copyBytes } from "./copy-bytes.ts";
import { compressChunk, frameCheck } from "./compress.ts";
import type { CompressChoice } from "./compress-choice.ts";
import { blockHeaderBytes, blockMax, blockType, plainHeader, storedFrameBytes, writeBlockHeader, zeroFrame } from "./frame.ts";
import { FrameLengths } from "./seek-table.ts";

export type PartSlot = { readonly index: number; readonly bytes: Buffer };

/** A part that lies ready in its slot. */
export type FilledPart = {
  readonly slot: number;
  readonly bytes: number;
  readonly sha256: Sha256;
  readonly last: boolean;
  readonly rawFrom: number;
  readonly rawTo: number;
  readonly frames: readonly Frame[];
};

export type EncoderPorts = {
  /** An empty slot of partSize bytes; waits until the consumer gives one back. */
  readonly acquire: () => Promise<PartSlot>;
  readonly emit: (part: FilledPart) => void;
};

/** Turns raw chunks into frames, and frames into parts of exactly `partSize` bytes. Calls must not overlap. */
export class ImageEncoder {
  readonly #partSize: number;
  readonly #choice: CompressChoice;
  readonly #ports: EncoderPorts;
  readonly #lengths = new FrameLengths();
  readonly #scratch = Buffer.alloc(blockHeaderBytes);
  readonly #zeroFrames = new Map<number, Buffer>();
  #slot: PartSlot | null = null;
  #at = 0;
  #hashed = 0;
  #hash: Hash = createHash("sha256");
  #frames: Frame[] = [];
  /** Raw offset at which the present frame begins, and where the present part's first frame does. */
  #raw = 0;
  #frameEnd = 0;
  #partFrom = 0;

  constructor(partSize: number, choice: CompressChoice, ports: EncoderPorts) {
    this.#partSize = partSize;
    this.#choice = choice;
    this.#ports = ports;
  }

  async zeros(raw: number, replay: Frame | undefined): Promise<void> {
    if (replay !== undefined && (replay.how !== "zero" || replay.raw !== raw)) throw this.#changed(raw, "is nothing but zeros now");
    const frame = this.#zeroFrames.get(raw) ?? zeroFrame(raw);
    this.#zeroFrames.set(raw, frame);
    this.#begin({ how: "zero", at: this.#raw, raw, stored: frame.length });
    await this.#put(frame);
    this.#endFrame();
  }

  /** `chunk` may be overwritten when this resolves. It must not be all zeros. */
  async data(chunk: Buffer, replay: Frame | undefined): Promise<void> {
    if (replay?.how === "zero") throw this.#changed(chunk.length, "was nothing but zeros when it was first read");
    if (replay !== undefined && replay.raw !== chunk.length) throw this.#changed(chunk.length, `had ${replay.raw} bytes`);
    const compress = replay === undefined ? this.#choice.wanted(chunk) : replay.how === "compressed";
    const packed = compress ? compressChunk(chunk, storedFrameBytes(chunk.length)) : null;
    if (replay?.how === "compressed" && packed?.length !== replay.stored) throw this.#compressorDiffers(chunk, packed, replay);
    if (packed === null) {
      this.#begin({ how: "stored", at: this.#raw, raw: chunk.length, stored: storedFrameBytes(chunk.length) });
      await this.#putStored(chunk);
    } else {
      this.#begin({ how: "compressed", at: this.#raw, raw: chunk.length, stored: packed.length, check: frameCheck(packed) });
      await this.#put(packed);
    }
    this.#endFrame();
  }

  /** Writes the seek table and emits the last part. */
  async end(): Promise<void> {
    const table = this.#lengths.table();
    await this.#put(table);
    this.#emit(true);
  }

  async #putStored(chunk: Buffer): Promise<void> {
    await this.#put(plainHeader(chunk.length));
    for (let at = 0; at < chunk.length; at += blockMax) {
      const end = Math.min(chunk.length, at + blockMax);
      writeBlockHeader(this.#scratch, 0, blockType.raw, end - at, end === chunk.length);
      await this.#put(this.#scratch);
      await this.#put(chunk, at, end);
    }
  }

  async #put(bytes: Buffer, from = 0, to: number = bytes.length): Promise<void> {
    for (let at = from; at < to; ) {
      if (this.#slot !== null && this.#at === this.#partSize) this.#emit(false);
      this.#slot ??= await this.#ports.acquire();
      const length = Math.min(to - at, this.#partSize - this.#at);
      copyBytes(bytes, at, at + length, this.#slot.bytes, this.#at);
      this.#at += length;
      at += length;
      // Hashed while the block just copied is still in the core's cache.
      if (this.#at - this.#hashed >= blockMax) this.#hashUpTo(this.#slot);
    }
  }

  #hashUpTo(slot: PartSlot): void {
    this.#hash.update(slot.bytes.subarray(this.#hashed, this.#at));
    this.#hashed = this.#at;
  }

  #begin(frame: Frame): void {
    this.#frameEnd = this.#raw + frame.raw;
    this.#frames.push(frame);
    this.#lengths.add(frame);
  }

  #endFrame(): void {
    this.#raw = this.#frameEnd;
    if (this.#at === this.#partSize) this.#emit(false);
  }

  #emit(last: boolean): void {
    const slot = this.#slot;
    if (slot === null) throw new HoldfastError("unexpected", "the encoder has no part to give");
    this.#hashUpTo(slot);
    const sha256 = sha256OfBytes(this.#hash.digest());
    this.#ports.emit({
      slot: slot.index,
      bytes: this.#at,
      sha256,
      last,
      rawFrom: this.#partFrom,
      rawTo: this.#frameEnd,
      frames: this.#frames,
    });
    this.#slot = null;
    this.#at = 0;
    this.#hashed = 0;
    this.#hash = createHash("sha256");
    this.#frames = [];
    this.#partFrom = this.#raw;
  }

  #changed(length: number, what: string): HoldfastError {
    return new HoldfastError(
      "source-changed",
      `the source changed: its bytes [${this.#raw}, ${this.#raw + length}) differ from the first reading (the range ${what}); collect it again under a new number`,
    );
  }

  #compressorDiffers(chunk: Buffer, packed: Buffer | null, journaled: Frame): HoldfastError {
    if (packed === null || journaled.check === undefined || frameCheck(packed) !== journaled.check)
      return this.#changed(chunk.length, "compresses to other bytes");
    return new HoldfastError(
      "unexpected",
      `this compressor (zstd ${process.versions["zstd"]}) gives ${packed.length} bytes for raw bytes [${this.#raw}, ${this.#raw + chunk.length}) where the interrupted run's gave ${journaled.stored}; resume with the version that began, or start the exhibit again`,
    );
  }
}
