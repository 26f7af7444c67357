import { parseSha256, type Sha256 } from "../core/digest.ts";
import { type Engine, type EngineEvents, maxOrders } from "./engine.ts";
import type { HashAnswer, HashOrder, HashWorkerData } from "./hash-worker.ts";
import type { Shape } from "./part-size.ts";
import type { RawChunk } from "./raw-reader.ts";
import { giveBuffers, Orders, Slots, takeBuffers, viewOf } from "./slots.ts";
import { startWorker } from "./stream-worker.ts";

/** A slot that will be a part, as soon as its digest is there. */
type Coming = { readonly slot: number; readonly length: number; readonly rawFrom: number; readonly last: boolean };

/** Every buffer that was read into is itself a part: one thread digests the whole, one digests each part. */
export function openAsIsEngine(shape: Shape, events: EngineEvents): Engine {
  // One is read into, one waits until it is known whether it is the last, the others are with the consumer.
  const slots = takeBuffers(Math.max(3, shape.rawSlots + shape.partSlots), shape.partSize);
  const free = new Slots(slots.length);
  const orders = new Orders(maxOrders);
  const coming = new Map<number, Coming>();
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
    if (closed && !running && held === 0) giveBuffers(slots.splice(0));
  };
  const whole = startWorker<HashOrder, HashAnswer>(
    "hash-worker",
    { mode: "whole", slots } satisfies HashWorkerData,
    (answer) => (answer.kind === "digest" ? digest.resolve(parseSha256(answer.sha256)) : orders.done(answer.ticket)),
    failed,
  );
  const each = startWorker<HashOrder, HashAnswer>(
    "hash-worker",
    { mode: "each", slots } satisfies HashWorkerData,
    (answer) => {
      if (answer.kind === "done" && answer.sha256 !== null) give(answer.ticket, parseSha256(answer.sha256));
    },
    failed,
  );

  function give(ticket: number, sha256: Sha256): void {
    const part = coming.get(ticket);
    if (part === undefined) return;
    coming.delete(ticket);
    held += 1;
    parts += 1;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      held -= 1;
      orders.done(ticket);
      giveBack();
    };
    events.part({
      number: parts,
      bytes: viewOf(slots, part.slot, part.length),
      sha256,
      last: part.last,
      rawFrom: part.rawFrom,
      rawTo: part.rawFrom + part.length,
      frames: [],
      release,
    });
    if (part.last) lastPart.resolve();
  }

  async function order(part: Coming): Promise<void> {
    const { slot, length } = part;
    const ticket = await orders.open(2, () => free.release(slot)); // the whole's digest, and the consumer
    coming.set(ticket, part);
    whole.post({ kind: "slot", ticket, slot, length });
    each.post({ kind: "slot", ticket, slot, length });
  }

  async function orderAll(chunks: AsyncGenerator<RawChunk>): Promise<number> {
    let rawBytes = 0;
    let before: Coming | null = null;
    for await (const chunk of chunks) {
      if (chunk.kind !== "data") continue; // zeros are not told apart here
      if (before !== null) await order(before);
      before = { slot: chunk.slot, length: chunk.length, rawFrom: rawBytes, last: false };
      rawBytes += chunk.length;
      events.progress(rawBytes);
    }
    before ??= { slot: await free.acquire(), length: 0, rawFrom: 0, last: true };
    await order({ ...before, last: true });
    return rawBytes;
  }

  return {
    async run(chunksInto) {
      running = true;
      try {
        const bytes = await orderAll(
          chunksInto({
            chunkBytes: shape.partSize,
            tellZeros: false,
            acquire: () => free.acquire(),
            release: (slot) => free.release(slot),
            view: (slot) => viewOf(slots, slot),
          }),
        );
        whole.post({ kind: "end" });
        await lastPart.promise;
        return { sha256: await digest.promise, bytes };
      } finally {
        running = false;
        giveBack();
      }
    },
    fail,
    async close() {
      await Promise.all([whole.close(), each.close()]);
      closed = true;
      giveBack();
    },
  };
}
