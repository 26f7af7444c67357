import { createHash } from "node:crypto";
import { describeError, systemCode } from "../../src/core/error.ts";
import type { Extent } from "../../src/core/outcome.ts";
import { printable } from "../../src/core/printable.ts";
import type { TarEntry } from "../../src/stream/tar.ts";
import type { RangeItem } from "./item.ts";
import type { ManifestLine } from "../../src/stream/archive-manifest.ts";
import { patientReader } from "./patient-read.ts";
import type { Place } from "./place.ts";

const piece = 1 << 20;
const page = 4096;

/** One run of memory as one member. Pages that cannot be read are zeros and are named; so is what a dead process no longer gives. */
export async function* takeRange(item: RangeItem, place: Place, signal: AbortSignal, lines: { add(line: ManifestLine): void }): AsyncGenerator<TarEntry> {
  const reader = patientReader(item.readAt, page);
  const hash = createHash("sha256");
  let real = 0;
  let broke: string | null = null;

  async function* bytes(): AsyncGenerator<Uint8Array> {
    while (real < item.size && broke === null) {
      const into = Buffer.allocUnsafeSlow(Math.min(piece, item.size - real));
      let got = 0;
      try {
        got = await reader.read(into, real, signal);
      } catch (error) {
        signal.throwIfAborted();
        broke = systemCode(error) ?? printable(describeError(error));
      }
      if (got === 0) break;
      hash.update(into.subarray(0, got));
      real += got;
      yield into.subarray(0, got);
    }
    for (let rest = item.size - real; rest > 0; rest -= Math.min(rest, piece)) {
      signal.throwIfAborted();
      yield Buffer.alloc(Math.min(rest, piece));
    }
  }

  const mtimeNs = BigInt(place.clock().getTime()) * 1_000_000n;
  yield {
    member: {
      path: Buffer.from(item.member),
      type: "file",
      size: item.size,
      mode: 0o400,
      uid: 0,
      gid: 0,
      owner: "root",
      group: "root",
      mtimeNs,
      linkTarget: null,
    },
    bytes: bytes(),
  };

  const bad = reader.bad();
  const unread = bad.reduce((sum, extent) => sum + extent.length, 0);
  const short = real < item.size;
  const reason = short
    ? `${real} of ${item.size} bytes: ${broke === null ? "the process gave up its memory" : `reading broke off (${broke})`}; the rest of the member is zeros`
    : unread > 0
      ? `${unread} bytes cannot be read and are zeros: ${places(bad)}`
      : null;
  const nothing = unread === item.size || real === 0;
  lines.add({
    path: item.member,
    member: item.member,
    type: "memory",
    source: item.source,
    size: String(real - unread),
    ...(short ? { paddedTo: String(item.size) } : {}),
    sha256: hash.digest("hex"),
    outcome: reason === null ? "collected" : nothing ? "unavailable" : "truncated",
    reason,
  });
}

function places(bad: readonly Extent[]): string {
  const named = bad.slice(0, 20).map((extent) => `${extent.offset}+${extent.length}`);
  return bad.length > named.length ? `${named.join(", ")} and ${bad.length - named.length} more` : named.join(", ");
}
