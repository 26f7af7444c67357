import { createHash } from "node:crypto";
import type { DigestLog } from "./file.ts";
import type { Place } from "./order.ts";

/**
 * Which log files signed digests name: 16 bytes each, for there may be millions. A truncated SHA-256, not a faster hash: whoever
 * adds a file chooses its name, and must not be able to choose one that passes for a named one.
 */
export type NamedLogs = {
  add(place: Place): void;
  has(place: Place): boolean;
  /** Remembers a missing one, to recognise it elsewhere by its name. Only the first thousands are. */
  miss(log: DigestLog): void;
  missedAs(key: string): DigestLog | null;
};

const mostMissed = 10_000;
const [width, first] = [16, 1 << 12];

export function namedLogs(): NamedLogs {
  let [table, count] = [Buffer.alloc(width * first), 0];
  const missed = new Map<string, DigestLog>();
  /** Where it is in the table, or the free place where it belongs. Open addressing; a place of zeros is free. */
  const find = (into: Buffer, hash: Buffer): number => {
    const places = into.length / width;
    for (let at = hash.readUInt32LE(0) % places; ; at = (at + 1) % places) {
      const slot = into.subarray(at * width, (at + 1) * width);
      if (slot.equals(hash) || slot.equals(free)) return at * width;
    }
  };
  const grow = (): void => {
    const bigger = Buffer.alloc(table.length * 2);
    for (let at = 0; at < table.length; at += width) {
      const hash = table.subarray(at, at + width);
      if (!hash.equals(free)) hash.copy(bigger, find(bigger, hash));
    }
    table = bigger;
  };
  return {
    add: (place) => {
      if ((count + 1) * width * 2 > table.length) grow();
      const hash = hashOf(place);
      const at = find(table, hash);
      if (table.subarray(at, at + width).equals(hash)) return;
      hash.copy(table, at);
      count += 1;
    },
    has: (place) => {
      const hash = hashOf(place);
      const at = find(table, hash);
      return table.subarray(at, at + width).equals(hash);
    },
    miss: (log) => {
      if (missed.size < mostMissed) missed.set(fileName(log.place.key), log);
    },
    missedAs: (key) => missed.get(fileName(key)) ?? null,
  };
}

const free = Buffer.alloc(width);

function hashOf(place: Place): Buffer {
  return createHash("sha256").update(`${place.bucket}\n${place.key}`).digest().subarray(0, width);
}

/** CloudTrail puts 16 random characters into each. */
function fileName(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}
