import type { Block } from "./ebs-blocks.ts";
import type { BlockList } from "./ebs-list.ts";
import type { BlockRooms } from "./ebs-rooms.ts";

/** A block that was asked for. Its bytes may be on their way. */
export type Ordered = { readonly index: number; readonly bytes: Promise<Uint8Array>; landed: boolean };

/** Blocks ordered ahead, at least and at most. 100 ms and 1,000 requests a second need 100 under way; the rest covers answers that are late. */
export type WindowWidth = { readonly least: number; readonly most: number };

/**
 * The blocks from the reading position on, so many of them ordered ahead. The width follows the reader: wider each time that it has
 * to wait for a block, narrower while most of them lie there already, so that a slow vault does not fill memory with blocks. They
 * are counted in blocks that were written, not in bytes of the volume: however thinly it is written, as many requests are under way.
 */
export type BlockWindow = {
  /** The first written block at or behind `index`, or null where there is none. Blocks before it are given up. Calls must not overlap. */
  from(index: number): Promise<Ordered | null>;
  /** Whether nothing at or behind `index` has been given up yet. */
  reaches(index: number): boolean;
  /** Gives all up. */
  close(): void;
};

export function blockWindow(
  list: Pick<BlockList, "next">,
  fetch: (block: Block) => Promise<Uint8Array>,
  rooms: Pick<BlockRooms, "give">,
  { least, most }: WindowWidth,
): BlockWindow {
  const ordered: Ordered[] = [];
  let givenUp = -1;
  let width = least;
  let looked = -1;
  /** Blocks that have landed and wait for the reader. */
  let waiting = 0;
  let atEnd = false;
  let growing: Promise<void> | null = null;
  let filling = false;
  /** A list that broke once is not asked again: it would go on behind what it broke at, and blocks would be missing in silence. */
  let broken: { readonly error: unknown } | null = null;

  async function order(): Promise<void> {
    if (broken !== null) throw broken.error;
    const block = await list.next().catch((error: unknown) => {
      broken = { error };
      throw error;
    });
    if (block === null) {
      atEnd = true;
      return;
    }
    const bytes = fetch(block);
    const mine: Ordered = { index: block.index, bytes, landed: false };
    ordered.push(mine);
    bytes.then(
      () => {
        mine.landed = true;
        if (mine.index > givenUp) waiting += 1;
      },
      () => {}, // told to who asks for this block
    );
  }

  function grow(): Promise<void> {
    growing ??= order().finally(() => {
      growing = null;
    });
    return growing;
  }

  async function fill(): Promise<void> {
    if (filling) return;
    filling = true;
    try {
      while (!atEnd && ordered.length < width) await grow();
    } catch {
      // told to who asks for the first block that is missing
    } finally {
      filling = false;
    }
  }

  function adapt({ index, landed }: Ordered): void {
    if (index === looked) return;
    looked = index;
    if (!landed) width = Math.min(most, width + 4);
    else if (2 * waiting > ordered.length) width = Math.max(least, width - 1);
  }

  function giveUp({ index, landed, bytes }: Ordered): void {
    givenUp = index;
    if (landed) waiting -= 1;
    bytes.then(rooms.give, () => {});
  }

  return {
    async from(index) {
      for (;;) {
        for (let first = ordered[0]; first !== undefined && first.index < index; first = ordered[0]) {
          ordered.shift();
          giveUp(first);
        }
        if (ordered[0] !== undefined) adapt(ordered[0]);
        void fill();
        if (ordered[0] !== undefined) return ordered[0];
        if (atEnd) return null;
        await grow();
      }
    },
    reaches: (index) => index > givenUp,
    close() {
      for (const each of ordered.splice(0)) giveUp(each);
    },
  };
}
