import { parentPort, workerData } from "node:worker_threads";
import { HoldfastError } from "../core/error.ts";
import type { Compression, Frame } from "../core/part.ts";
import { compressChoice } from "./compress-choice.ts";
import { type FilledPart, ImageEncoder, type PartSlot } from "./image-encoder.ts";
import { viewOf } from "./slots.ts";
import { reporting, type WorkerMessage } from "./stream-worker.ts";

export type ImageWorkerData = {
  readonly partSize: number;
  readonly compress: Compression;
  readonly rawSlots: readonly SharedArrayBuffer[];
  readonly partSlots: readonly SharedArrayBuffer[];
};
export type ImageOrder =
  | { readonly kind: "data"; readonly ticket: number; readonly slot: number; readonly length: number; readonly replay: Frame | undefined }
  | { readonly kind: "zeros"; readonly ticket: number; readonly length: number; readonly replay: Frame | undefined }
  | { readonly kind: "end" }
  /** The consumer gave a part slot back; `rate` is how fast it takes bytes (a millisecond), where that is known. */
  | { readonly kind: "released"; readonly slot: number; readonly rate: number | null };
export type ImageAnswer = { readonly kind: "done"; readonly ticket: number } | { readonly kind: "part"; readonly part: FilledPart };

const port = parentPort;
if (port === null) throw new HoldfastError("unexpected", "image-worker runs as a worker thread only");
const { partSize, compress, rawSlots, partSlots }: ImageWorkerData = workerData;
const free: PartSlot[] = partSlots.map((_, index) => ({ index, bytes: viewOf(partSlots, index) }));
let wanting: ((slot: PartSlot) => void) | null = null;

const send = (message: WorkerMessage<ImageAnswer>): void => port.postMessage(message);
const choice = compressChoice(compress, () => performance.now());
const encoder = new ImageEncoder(partSize, choice, {
  acquire: async () => free.pop() ?? (await new Promise<PartSlot>((resolve) => (wanting = resolve))),
  emit: (part) => send({ kind: "body", body: { kind: "part", part } }),
});

async function encode(order: Exclude<ImageOrder, { kind: "released" }>): Promise<void> {
  switch (order.kind) {
    case "data":
      await encoder.data(viewOf(rawSlots, order.slot, order.length), order.replay);
      return send({ kind: "body", body: { kind: "done", ticket: order.ticket } });
    case "zeros":
      await encoder.zeros(order.length, order.replay);
      return send({ kind: "body", body: { kind: "done", ticket: order.ticket } });
    case "end":
      return await encoder.end();
    default:
      return order satisfies never;
  }
}

function giveBack(index: number, rate: number | null): void {
  if (rate !== null) choice.sinkRate(rate);
  const slot = { index, bytes: viewOf(partSlots, index) };
  if (wanting === null) free.push(slot);
  else {
    const give = wanting;
    wanting = null;
    give(slot);
  }
}

let line: Promise<void> = Promise.resolve();
port.on("message", (order: ImageOrder) => {
  if (order.kind === "released") giveBack(order.slot, order.rate);
  else line = line.then(() => reporting(send, () => encode(order)));
});
