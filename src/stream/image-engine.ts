import { parseSha256, type Sha256 } from "../core/digest.ts";
import type { Compression, Frame } from "../core/part.ts";
import { type Engine, type EngineEvents, maxOrders } from "./engine.ts";
import type { HashAnswer, HashOrder, HashWorkerData } from "./hash-worker.ts";
import type { FilledPart } from "./image-encoder.ts";
import type { ImageAnswer, ImageOrder, ImageWorkerData } from "./image-worker.ts";
import type { Shape } from "./part-size.ts";
import type { RawChunk } from "./raw-reader.ts";
import { SinkMeter } from "./sink-meter.ts";
import { giveBuffers, Orders, Slots, takeBuffers, viewOf } from "./slots.ts";
import { startWorker } from "./stream-worker.ts";

/** Raw chunks go to one thread that digests the whole, and to one that frames them into parts and digests those. */
export function openImageEngine(shape: Shape, compress: Compression, replay: readonly Frame[], now: () => number, events: EngineEvents): Engine {
  const rawSlots = takeBuffers(shape.rawSlots, shape.chunkBytes);
  const partSlots = takeBuffers(shape.partSlots, shape.partSize);
  const free = new Slots(shape.rawSlots);
  const orders = new Orders(maxOrders);
  const meter = new SinkMeter(shape.partSlots, now);
  const digest = Promise.withResolvers<Sha256>();
  const lastPart = Promise.withResolvers<void>();
  for (const { promise } of [digest, lastPart]) promise.catch(() => {}); // run() may have failed before it asks
  let parts = 0;
  let held = 0;
  let running = false;
  let closed = false;

  const fail = (error: unknown): void => {
    free.fail(error);
    orders.fail(error);
    digest.reject(error);
    lastPart.reject(error);
  };
  const failed = (error: unknown): void => {
    fail(error);
    events.failed(error);
  };
  const giveBack = (): void => {
    if (closed && !running && held === 0) giveBuffers([...rawSlots.splice(0), ...partSlots.splice(0)]);
  };
  const hasher = startWorker<HashOrder, HashAnswer>(
    "hash-worker",
    { mode: "whole", slots: rawSlots } satisfies HashWorkerData,
    (answer) => (answer.kind === "digest" ? digest.resolve(parseSha256(answer.sha256)) : orders.done(answer.ticket)),
    failed,
  );
  const encoder = startWorker<ImageOrder, ImageAnswer>(
    "image-worker",
    { partSize: shape.partSize, compress, rawSlots, partSlots } satisfies ImageWorkerData,
    (answer) => (answer.kind === "part" ? give(answer.part) : orders.done(answer.ticket)),
    failed,
  );

  function give({ slot, bytes, sha256, last, rawFrom, rawTo, frames }: FilledPart): void {
    meter.filled();
    held += 1;
    parts += 1;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      held -= 1;
      encoder.post({ kind: "released", slot, rate: meter.released(bytes) });
      giveBack();
    };
    events.part({ number: parts, bytes: viewOf(partSlots, slot, bytes), sha256, last, rawFrom, rawTo, frames, release });
    if (last) lastPart.resolve();
  }

  async function order(chunk: RawChunk, again: Frame | undefined): Promise<void> {
    const { length } = chunk;
    if (chunk.kind === "zeros") {
      const ticket = await orders.open(2, () => {});
      hasher.post({ kind: "zeros", ticket, length });
      encoder.post({ kind: "zeros", ticket, length, replay: again });
    } else {
      const { slot } = chunk;
      const ticket = await orders.open(2, () => free.release(slot));
      hasher.post({ kind: "slot", ticket, slot, length });
      encoder.post({ kind: "data", ticket, slot, length, replay: again });
    }
  }

  return {
    async run(chunksInto) {
      running = true;
      try {
        const chunks = chunksInto({
          chunkBytes: shape.chunkBytes,
          tellZeros: true,
          acquire: () => free.acquire(),
          release: (slot) => free.release(slot),
          view: (slot) => viewOf(rawSlots, slot),
        });
        const decided = new Map(replay.map((frame) => [frame.at, frame]));
        let rawBytes = 0;
        for await (const chunk of chunks) {
          await order(chunk, decided.get(rawBytes));
          rawBytes += chunk.length;
          events.progress(rawBytes);
        }
        hasher.post({ kind: "end" });
        encoder.post({ kind: "end" });
        await lastPart.promise;
        return { sha256: await digest.promise, bytes: rawBytes };
      } finally {
        running = false;
        giveBack();
      }
    },
    fail,
    async close() {
      await Promise.all([hasher.close(), encoder.close()]);
      closed = true;
      giveBack();
    },
  };
}
