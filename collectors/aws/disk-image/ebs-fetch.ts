import { HoldfastError } from "../../../src/core/error.ts";
import type { EbsAccount } from "./ebs-account.ts";
import { type Block, blockBytes, type EbsBlocks, type Got } from "./ebs-blocks.ts";
import { ended } from "./ebs-ended.ts";
import type { BlockList } from "./ebs-list.ts";
import type { BlockRooms } from "./ebs-rooms.ts";

/** A block that does not match its checksum was damaged on the way, or in the service; the way is tried this often. */
const wrongTries = 4;
/** Fresh tokens that are not taken either mean that the token was not what was wrong. */
const staleTries = 3;

/**
 * Gets one block, as often as it takes: throttling only slows it down. What it gives has the length and the SHA-256 that the
 * service says (the SDK compares neither). Rejects where the service's own answers contradict each other to the end.
 */
export function blockFetcher(
  snapshot: string,
  blocks: EbsBlocks,
  account: EbsAccount,
  list: Pick<BlockList, "renew">,
  rooms: BlockRooms,
  signal: AbortSignal,
): (block: Block) => Promise<Uint8Array> {
  const budget = account.snapshot(snapshot);

  async function insist(listed: Block, room: () => Uint8Array): Promise<Uint8Array> {
    let block = listed;
    let wrong = 0;
    let stale = 0;
    for (;;) {
      await budget.take(signal);
      await account.blocks.take(signal);
      const answer = await blocks.get(block, room, signal);
      switch (answer.kind) {
        case "block": {
          budget.succeeded();
          account.blocks.succeeded();
          const contradiction = await contradictionIn(answer, rooms);
          if (contradiction === null) return answer.bytes;
          wrong += 1;
          if (wrong >= wrongTries)
            throw new HoldfastError(
              "unexpected",
              `${snapshot}: block ${block.index} (bytes ${block.index * blockBytes}-${(block.index + 1) * blockBytes - 1}) ${contradiction}, in each of ${wrong} tries; ` +
                "the service contradicts itself, so the block is not taken: ask AWS about this snapshot, or copy it and image the copy",
            );
          break;
        }
        case "throttled":
          (answer.limit === "snapshot" ? budget : account.blocks).throttled();
          break;
        case "invalid":
          stale += 1;
          if (stale > staleTries) throw ended(snapshot, `block ${block.index}`, answer);
          block = await list.renew(block);
          break;
        case "refused":
          throw ended(snapshot, `block ${block.index}`, answer);
        default:
          return answer satisfies never;
      }
    }
  }

  return async (block) => {
    const room = rooms.take();
    let kept: Uint8Array | null = null;
    try {
      kept = await insist(block, () => room);
      return kept;
    } finally {
      // Nothing is under way any more. An answer that came by another way than ours lies elsewhere.
      if (room.buffer !== kept?.buffer) rooms.give(room);
    }
  };
}

async function contradictionIn({ bytes, length, checksum, algorithm }: Got, rooms: BlockRooms): Promise<string | null> {
  if (algorithm !== "SHA256") return `has a checksum of algorithm ${algorithm ?? "(none)"} and not SHA256`;
  if (length !== blockBytes || bytes.length !== blockBytes)
    return `came with ${bytes.length} bytes, and says it has ${length ?? "(nothing)"}; a block has ${blockBytes}`;
  const found = await rooms.digest(bytes);
  if (found === checksum) return null;
  return `does not match the service's own checksum: x-amz-Checksum says ${checksum ?? "(nothing)"}, the bytes have SHA-256 ${found}`;
}
