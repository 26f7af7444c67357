import { blockBytes } from "./ebs-blocks.ts";

/** Memory for blocks, used again: fresh memory for every block costs as much as hashing it, and goes back when it pleases the collector of garbage. */
export type BlockRooms = {
  take(): Uint8Array;
  /** Only what nobody reads or fills any more. */
  give(room: Uint8Array): void;
};

export function blockRooms(most: number): BlockRooms {
  const free: Uint8Array[] = [];
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(blockBytes), // the one used last is still in cache
    give: (room) => {
      if (room.length === blockBytes && room.buffer.byteLength === blockBytes && free.length < most) free.push(room);
    },
  };
}
