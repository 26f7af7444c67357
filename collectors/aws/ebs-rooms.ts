import { hash } from "node:crypto";
import type { HashAnswer, HashOrder, HashWorkerData } from "../../src/stream/hash-worker.ts";
import { startWorker } from "../../src/stream/stream-worker.ts";
import { blockBytes } from "./ebs-blocks.ts";

/**
 * Memory for blocks, used again: fresh memory for every block costs as much as hashing it, and goes back when it pleases the
 * collector of garbage. What lies in it is hashed in a thread of its own, so that the thread that reads only reads.
 */
export type BlockRooms = {
  take(): Uint8Array;
  /** Only what nobody reads or fills any more. */
  give(room: Uint8Array): void;
  /** SHA-256 in base64. */
  digest(bytes: Uint8Array): Promise<string>;
  close(): Promise<void>;
};

type Waiting = { readonly resolve: (digest: string) => void; readonly reject: (error: unknown) => void };

/** Pages of a room that was never used are not there: `most` costs address space only. */
export function openBlockRooms(most: number): BlockRooms {
  const slots = Array.from({ length: most }, () => new SharedArrayBuffer(blockBytes));
  const free = slots.map((slot) => Buffer.from(slot));
  const numbers = new Map<ArrayBufferLike, number>(slots.map((slot, number) => [slot, number]));
  const waiting = new Map<number, Waiting>();
  let failure: unknown = null;

  const worker = startWorker<HashOrder, HashAnswer>(
    "hash-worker",
    { mode: "each", slots } satisfies HashWorkerData,
    (answer) => {
      if (answer.kind !== "done" || answer.sha256 === null) return;
      waiting.get(answer.ticket)?.resolve(Buffer.from(answer.sha256, "hex").toString("base64"));
      waiting.delete(answer.ticket);
    },
    (error) => {
      failure = error;
      for (const { reject } of waiting.values()) reject(error);
    },
  );

  return {
    // The one used last is still in cache. Who jumps about in a volume may hold more for a moment.
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(blockBytes),
    give(room) {
      if (room.buffer instanceof SharedArrayBuffer && numbers.has(room.buffer)) free.push(Buffer.from(room.buffer));
    },
    async digest(bytes) {
      if (failure !== null) throw failure;
      const slot = numbers.get(bytes.buffer);
      if (slot === undefined) return hash("sha256", bytes, "base64");
      return new Promise((resolve, reject) => {
        waiting.set(slot, { resolve, reject });
        worker.post({ kind: "slot", ticket: slot, slot, length: bytes.length });
      });
    },
    close: () => worker.close(),
  };
}
