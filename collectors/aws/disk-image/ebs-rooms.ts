import { hash } from "node:crypto";
import type { HashAnswer, HashOrder, HashWorkerData } from "../../../src/stream/hash-worker.ts";
import { startWorker } from "../../../src/stream/stream-worker.ts";
import { blockBytes } from "./ebs-blocks.ts";

/**
 * Memory for blocks, used again: fresh memory for every block costs as much as hashing it, and goes back when it pleases the
 * collector of garbage. What lies in it is hashed in a thread of its own, so that the thread that reads only reads.
 */
export type BlockRooms = {
  /** One beyond the number where the last of blocks that were given up are still on their way; it is not used again. */
  take(): Uint8Array;
  /** Only what nobody reads or fills any more. */
  give(room: Uint8Array): void;
  /** SHA-256 in base64. */
  digest(bytes: Uint8Array): Promise<string>;
  close(): Promise<void>;
};

type Waiting<T> = { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void };

export function openBlockRooms(most: number): BlockRooms {
  const slots = Array.from({ length: most }, () => new SharedArrayBuffer(blockBytes)); // never used, they are address space only
  const free = slots.map((slot) => Buffer.from(slot));
  const numbers = new Map<ArrayBufferLike, number>(slots.map((slot, number) => [slot, number]));
  const hashing = new Map<number, Waiting<string>>();
  let tickets = 0;
  let failure: unknown = null;

  const worker = startWorker<HashOrder, HashAnswer>(
    "hash-worker",
    { mode: "each", slots } satisfies HashWorkerData,
    (answer) => {
      if (answer.kind !== "done" || answer.sha256 === null) return;
      hashing.get(answer.ticket)?.resolve(Buffer.from(answer.sha256, "hex").toString("base64"));
      hashing.delete(answer.ticket);
    },
    (error) => {
      failure = error;
      for (const { reject } of hashing.values()) reject(error);
    },
  );

  return {
    // The one used last is still in cache.
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(blockBytes),
    give({ buffer }) {
      if (buffer instanceof SharedArrayBuffer && numbers.has(buffer)) free.push(Buffer.from(buffer));
    },
    async digest(bytes) {
      if (failure !== null) throw failure;
      const slot = numbers.get(bytes.buffer);
      if (slot === undefined) return hash("sha256", bytes, "base64");
      const ticket = tickets;
      tickets += 1;
      return new Promise((resolve, reject) => {
        hashing.set(ticket, { resolve, reject });
        worker.post({ kind: "slot", ticket, slot, length: bytes.length });
      });
    },
    async close() {
      failure ??= new Error("the image was closed");
      for (const { reject } of hashing.values()) reject(failure);
      await worker.close();
    },
  };
}
