import type { Seeded } from "../seeded.ts";

const SECTOR = 512;

/**
 * A disk with a write cache that power loss empties. What was flushed, or written with "force unit access", is on it for good; of all else
 * nothing is sure: real disks write their cache back in any order.
 */
export type VolatileDisk = {
  readonly bytes: number;
  read(from: number, length: number): Buffer;
  write(at: number, data: Buffer, force: boolean): void;
  flush(): void;
  /** The power goes: each unflushed sector survives with the chance `kept`, and is otherwise as it was. Says how many were dropped. */
  cut(random: Seeded, kept: number): number;
  /** What a machine finds that starts now. */
  contents(): Buffer;
};

export function volatileDisk(image: Buffer): VolatileDisk {
  const durable = Buffer.from(image);
  const cached = Buffer.from(image);
  const dirty = new Set<number>();
  const settle = (sector: number, from: Buffer, to: Buffer): void => void from.copy(to, sector * SECTOR, sector * SECTOR, (sector + 1) * SECTOR);
  return {
    bytes: image.length,
    read: (from, length) => cached.subarray(from, from + length),
    write(at, data, force) {
      data.copy(cached, at);
      for (let sector = Math.floor(at / SECTOR); sector * SECTOR < at + data.length; sector += 1) {
        if (force) settle(sector, cached, durable);
        if (force) dirty.delete(sector);
        else dirty.add(sector);
      }
    },
    flush() {
      for (const sector of dirty) settle(sector, cached, durable);
      dirty.clear();
    },
    cut(random, kept) {
      let dropped = 0;
      for (const sector of dirty)
        if (random.int(1_000) < kept * 1_000) settle(sector, cached, durable);
        else {
          if (!cached.subarray(sector * SECTOR, (sector + 1) * SECTOR).equals(durable.subarray(sector * SECTOR, (sector + 1) * SECTOR))) dropped += 1;
          settle(sector, durable, cached);
        }
      dirty.clear();
      return dropped;
    },
    contents: () => Buffer.from(durable),
  };
}
