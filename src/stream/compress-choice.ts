import type { Compression } from "../core/part.ts";
import { compressChunk } from "./compress.ts";

/** Whether a chunk that is not zero is to be compressed. */
export type CompressChoice = {
  wanted(chunk: Uint8Array): boolean;
  /** Bytes a millisecond that the consumer took when it was last the limit. */
  sinkRate(rate: number): void;
};

const samplePieces = 4;
const sampleBytes = 32 * 1024;
/** Compression has to win clearly, because its estimate is from a sample. */
const margin = 0.85;
/** No core compresses as fast as this (bytes a millisecond), so that a consumer which is faster needs no sample. */
const fastestCompression = 600_000;
/** A consumer that is kept waiting by the compressor cannot be measured: it is trusted a little more with each chunk, then tried again. */
const trust = 1.02;

/** `auto` compresses a chunk where that is faster end to end: slow consumer, compressible bytes, compressor fast enough. */
export function compressChoice(compress: Compression, now: () => number): CompressChoice {
  switch (compress) {
    case "none":
      return { wanted: () => false, sinkRate: () => {} };
    case "zstd":
      return { wanted: () => true, sinkRate: () => {} };
    case "auto":
      return auto(now);
    default:
      return compress satisfies never;
  }
}

function auto(now: () => number): CompressChoice {
  let rate = Number.POSITIVE_INFINITY;
  return {
    wanted(chunk) {
      if (rate > fastestCompression) return false;
      const sample = takeSample(chunk);
      const started = now();
      const packed = compressChunk(sample, sample.length)?.length ?? sample.length;
      const compressing = ((now() - started) * chunk.length) / sample.length;
      const sending = chunk.length / rate;
      rate *= trust;
      return Math.max(compressing, (sending * packed) / sample.length) < margin * sending;
    },
    sinkRate(measured) {
      rate = measured;
    },
  };
}

function takeSample(chunk: Uint8Array): Uint8Array {
  if (chunk.length <= samplePieces * sampleBytes) return chunk;
  const sample = new Uint8Array(samplePieces * sampleBytes);
  const stride = Math.floor((chunk.length - sampleBytes) / (samplePieces - 1));
  for (let piece = 0; piece < samplePieces; piece += 1) sample.set(chunk.subarray(piece * stride, piece * stride + sampleBytes), piece * sampleBytes);
  return sample;
}
