import { expect, test } from "vitest";
import { type BlockRooms, openBlockRooms } from "../../../collectors/aws/disk-image/ebs-rooms.ts";
import { noise, sha256 } from "../../stream/sources.ts";

const never = new AbortController().signal;

async function using(most: number, work: (rooms: BlockRooms) => Promise<void>): Promise<void> {
  const rooms = openBlockRooms(most);
  try {
    await work(rooms);
  } finally {
    await rooms.close();
  }
}

test("no more rooms than said are given, and the lowest block gets the next", () =>
  using(2, async (rooms) => {
    const [one, two] = [rooms.take(1, never), rooms.take(2, never)];
    if (one instanceof Promise || two instanceof Promise) throw new Error("rooms were expected");
    const got: number[] = [];
    const gone = new AbortController();
    for (const index of [9, 5, 7])
      void Promise.resolve(rooms.take(index, index === 5 ? gone.signal : never)).then(
        () => got.push(index),
        () => got.push(-index),
      );
    gone.abort(new Error("left the line"));
    rooms.give(one);
    await new Promise((resolve) => setImmediate(resolve));
    expect(got).toEqual([-5, 7]);
    rooms.give(two);
    await new Promise((resolve) => setImmediate(resolve));
    expect(got).toEqual([-5, 7, 9]);
  }));

test("the block that the reader waits for gets a room when all are taken, whether it asks before or after", () =>
  using(1, async (rooms) => {
    void rooms.take(5, never);
    const before = rooms.take(1, never);
    expect(before).toBeInstanceOf(Promise);
    rooms.need(1);
    expect((await before).length).toBe(512 * 1024);
    rooms.need(2);
    expect(rooms.take(2, never)).toBeInstanceOf(Uint8Array);
    expect(rooms.take(3, never)).toBeInstanceOf(Promise);
  }));

test("rooms and other memory hash alike, many at once", () =>
  using(4, async (rooms) => {
    const blocks = [1, 2, 3, 4, 5, 6].map((seed) => noise(512 * 1024, seed));
    const places = await Promise.all(blocks.map(async (block, i) => (i < 4 ? await rooms.take(i, never) : Buffer.alloc(block.length))));
    for (const [i, place] of places.entries()) place.set(blocks[i] ?? []);
    const digests = await Promise.all(places.map((place) => rooms.digest(place)));
    expect(digests.map((digest) => Buffer.from(digest, "base64").toString("hex"))).toEqual(blocks.map(sha256));
  }));

test("who waits for a digest when all is closed is told", async () => {
  const rooms = openBlockRooms(1);
  const room = await rooms.take(0, never);
  const digest = rooms.digest(room);
  const told = expect(digest).rejects.toThrow("closed");
  await rooms.close();
  await told;
  await expect(rooms.digest(room)).rejects.toThrow("closed");
});
