import { HoldfastError } from "../core/error.ts";
import type { Compression, Frame, Part, PartStream, RawDigest } from "../core/part.ts";
import type { Source } from "../core/source.ts";
import { openAsIsEngine } from "./as-is-engine.ts";
import type { Engine, EngineEvents } from "./engine.ts";
import { openImageEngine } from "./image-engine.ts";
import { inlineParts } from "./inline-parts.ts";
import { PartQueue } from "./part-queue.ts";
import { maxParts, type Shape, shapeFor } from "./part-size.ts";
import { promisedBytes, readRanges, readStream } from "./raw-reader.ts";
import { readSmall } from "./read-small.ts";

export type PartStreamOptions = {
  readonly compress: Compression;
  /**
   * Frames of an interrupted run: this run decides about the same chunks in the same way, so that the parts are the same.
   * Empty for a new one.
   */
  readonly replay: readonly Frame[];
  /** Ends the stream: iteration and digest() reject with its reason. */
  readonly signal: AbortSignal;
  /** Called with the raw bytes read so far. */
  readonly progress?: (rawBytes: number) => void;
};

export type OpenPartStream = PartStream &
  AsyncDisposable & {
    /** Ends threads and gives buffers back. Before the end it means: abandoned, no digest. Safe to repeat; the source stays open. */
    close(): Promise<void>;
  };

/**
 * One pass over `source`, once: reading begins with the first part that is asked for. Parts may be taken by several lanes at
 * once and held for as long as they need; the source is read no further than the buffers reach. When anything fails, is aborted
 * or abandoned, iteration and digest() reject and nothing more is given.
 */
export function openPartStream(source: Source, options: PartStreamOptions, shape: Shape = shapeFor(source.size)): OpenPartStream {
  const stop = new AbortController();
  const digest = Promise.withResolvers<RawDigest>();
  digest.promise.catch(() => {}); // not everyone who iterates asks for the digest
  let state: "waiting" | "running" | "ended" | "failed" = "waiting";
  let lastTaken = false;
  let found: RawDigest | null = null;
  let engine: Engine | null = null;

  const settle = (): void => {
    if (lastTaken && found !== null) digest.resolve(found);
  };
  const queue = new PartQueue((part) => {
    lastTaken ||= part.last;
    settle();
  });
  const fail = (error: unknown): void => {
    if (state === "ended" || state === "failed") return;
    state = "failed";
    options.signal.removeEventListener("abort", aborted);
    queue.fail(error);
    digest.reject(error);
    stop.abort(error);
    engine?.fail(error);
    void engine?.close();
  };
  const aborted = (): void => fail(options.signal.reason);
  const events: EngineEvents = {
    part: (part) => {
      if (part.number <= maxParts) queue.push(part);
      else fail(new HoldfastError("unexpected", `${source.name} needs more than ${maxParts} parts of ${shape.partSize} bytes`));
    },
    failed: fail,
    progress: options.progress ?? (() => {}),
  };

  async function readAll(): Promise<RawDigest> {
    const signal = stop.signal;
    const start = await readSmall(source, shape.inlineBytes, signal);
    signal.throwIfAborted();
    if (start.kind === "small") {
      const { parts, digest } = await inlineParts(source.store, start.bytes, options.compress, options.replay, shape);
      events.progress(digest.bytes);
      for (const part of parts) events.part(part);
      return digest;
    }
    engine =
      source.store === "image" ? openImageEngine(shape, options.compress, options.replay, () => performance.now(), events) : openAsIsEngine(shape, events);
    return await engine.run((slots) => {
      if (start.kind === "long-stream") return readStream(start.bytes, slots);
      if (source.kind === "ranges") return readRanges(source, slots, signal);
      return readStream(promisedBytes(source, signal), slots);
    });
  }

  async function run(): Promise<void> {
    try {
      const result = await readAll();
      if (state !== "running") return;
      state = "ended";
      options.signal.removeEventListener("abort", aborted);
      found = result;
      settle();
      queue.end();
      void engine?.close();
    } catch (error) {
      fail(error);
    }
  }

  async function close(): Promise<void> {
    fail(new HoldfastError("unexpected", `${source.name} was abandoned before its end: it has no digest`));
    await engine?.close();
  }

  function next(): Promise<IteratorResult<Part>> {
    if (state === "waiting") {
      state = "running";
      if (options.signal.aborted) aborted();
      else {
        options.signal.addEventListener("abort", aborted, { once: true });
        void run();
      }
    }
    return queue.next();
  }

  return {
    encoding: source.store === "image" ? "zstd" : "identity",
    partSize: shape.partSize,
    parts: {
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          await close();
          return { done: true, value: undefined };
        },
      }),
    },
    digest: () => digest.promise,
    close,
    [Symbol.asyncDispose]: close,
  };
}
