import { expect, test } from "vitest";
import { type BlockRooms, openBlockRooms } from "../../../collectors/aws/disk-image/ebs-rooms.ts";
import { noise, sha256 } from "../../stream/sources.ts";

async function using(most: number, work: (rooms: BlockRooms) => Promise<void>): Promise<void> {
  const rooms = openBlockRooms(most);
  try {
    await work(rooms);
  } finally {
    await rooms.close();
  }
}

test("a room is used again, and one beyond the number is not", () =>
  using(2, async (rooms) => {
    const [one, two, third] = [rooms.take(), rooms.take(), rooms.take()];
    expect([one, two, third].map(({ length, buffer }) => [length, buffer instanceof SharedArrayBuffer])).toEqual([
      [512 * 1024, true],
      [512 * 1024, true],
      [512 * 1024, false],
    ]);
    for (const each of [third, one, two]) rooms.give(each);
    expect([rooms.take(), rooms.take(), rooms.take()].map(({ buffer }) => [one.buffer, two.buffer].indexOf(buffer))).toEqual([1, 0, -1]);
  }));

test("rooms and other memory hash alike, many at once", () =>
  using(4, async (rooms) => {
    const blocks = [1, 2, 3, 4, 5, 6].map((seed) => noise(512 * 1024, seed));
    const places = blocks.map((block, i) => (i < 4 ? rooms.take() : Buffer.alloc(block.length)));
    for (const [i, place] of places.entries()) place.set(blocks[i] ?? []);
    const digests = await Promise.all(places.map((place) => rooms.digest(place)));
    expect(digests.map((digest) => Buffer.from(digest, "base64").toString("hex"))).toEqual(blocks.map(sha256));
  }));

test("who waits for a digest when all is closed is told", async () => {
  const rooms = openBlockRooms(1);
  const room = rooms.take();
  const digest = rooms.digest(room);
  const told = expect(digest).rejects.toThrow("closed");
  await rooms.close();
  await told;
  await expect(rooms.digest(room)).rejects.toThrow("closed");
});
