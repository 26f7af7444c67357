import { createHash, hash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { HoldfastError } from "../core/error.ts";
import { viewOf } from "./slots.ts";
import type { WorkerMessage } from "./stream-worker.ts";
import { eachZeroBlock } from "./zeros.ts";

/** `whole` digests all messages as one, `each` every slot by itself. */
export type HashWorkerData = { readonly mode: "whole" | "each"; readonly slots: readonly SharedArrayBuffer[] };
export type HashOrder =
  | { readonly kind: "slot"; readonly ticket: number; readonly slot: number; readonly length: number }
  | { readonly kind: "zeros"; readonly ticket: number; readonly length: number }
  | { readonly kind: "end" };
/** One answer to each order, in the order of the orders. */
export type HashAnswer =
  | { readonly kind: "done"; readonly ticket: number; readonly sha256: string | null }
  | { readonly kind: "digest"; readonly sha256: string };

const port = parentPort;
if (port === null) throw new HoldfastError("unexpected", "hash-worker runs as a worker thread only");
const { mode, slots }: HashWorkerData = workerData;
const whole = createHash("sha256");

function answer(order: HashOrder): HashAnswer {
  switch (order.kind) {
    case "slot": {
      const bytes = viewOf(slots, order.slot, order.length);
      if (mode === "each") return { kind: "done", ticket: order.ticket, sha256: hash("sha256", bytes, "hex") };
      whole.update(bytes);
      return { kind: "done", ticket: order.ticket, sha256: null };
    }
    case "zeros":
      eachZeroBlock(order.length, (block) => whole.update(block));
      return { kind: "done", ticket: order.ticket, sha256: null };
    case "end":
      return { kind: "digest", sha256: whole.digest("hex") };
    default:
      return order satisfies never;
  }
}

port.on("message", (order: HashOrder) => {
  port.postMessage({ kind: "body", body: answer(order) } satisfies WorkerMessage<HashAnswer>);
});
