import { createHash } from "node:crypto";
import type { Place } from "../digests/order.ts";
import type { HashedLog } from "../digests/logs.ts";

/**
 * What was found while log files were collected: their content's SHA-256, or why there is none. 49 bytes each, for there may be
 * millions; keyed by a truncated SHA-256, for whoever adds a file chooses its name (see named-logs.ts).
 */
export type LogHashes = { add(place: Place, found: HashedLog): void; get(place: Place): HashedLog | null };

const [keyWidth, width, first] = [16, 49, 1 << 10];
const verdicts = ["hash", "damaged", "too-large"] as const;

export function logHashes(): LogHashes {
  let [table, count] = [Buffer.alloc(width * first), 0];
  const reasons = new Map<string, string>();
  /** Where it is in the table, or the free place where it belongs: open addressing, a place of zeros is free. */
  const find = (into: Buffer, key: Uint8Array): number => {
    const places = into.length / width;
    for (let at = Buffer.from(key).readUInt32LE(0) % places; ; at = (at + 1) % places) {
      const start = at * width;
      const slot = into.subarray(start, start + keyWidth);
      if (slot.equals(key) || slot.equals(free)) return start;
    }
  };
  const grow = (): void => {
    const bigger = Buffer.alloc(table.length * 2);
    for (let at = 0; at < table.length; at += width) {
      const entry = table.subarray(at, at + width);
      if (!entry.subarray(0, keyWidth).equals(free)) entry.copy(bigger, find(bigger, entry.subarray(0, keyWidth)));
    }
    table = bigger;
  };
  return {
    add(place, found) {
      if ((count + 1) * width * 2 > table.length) grow();
      const key = hashOf(place);
      const at = find(table, key);
      if (table.subarray(at, at + keyWidth).equals(free)) count += 1;
      key.copy(table, at);
      table.writeUInt8(verdicts.indexOf(found.kind), at + keyWidth);
      if (found.kind === "hash") table.write(found.sha256, at + keyWidth + 1, "hex");
      else reasons.set(key.toString("base64"), found.why);
    },
    get(place) {
      const key = hashOf(place);
      const at = find(table, key);
      if (!table.subarray(at, at + keyWidth).equals(key)) return null;
      const kind = verdicts[table.readUInt8(at + keyWidth)] ?? "hash";
      return kind === "hash"
        ? { kind, sha256: table.toString("hex", at + keyWidth + 1, at + width) }
        : { kind, why: reasons.get(key.toString("base64")) ?? "it could not be unpacked" };
    },
  };
}

const free = Buffer.alloc(keyWidth);

function hashOf({ bucket, key }: Place): Buffer {
  return createHash("sha256").update(`${bucket}\n${key}`).digest().subarray(0, keyWidth);
}
