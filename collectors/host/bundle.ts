import { createHash } from "node:crypto";
import type { Outcome } from "../../src/core/outcome.ts";
import type { StreamSource } from "../../src/core/source.ts";
import type { Window } from "../../src/core/window.ts";
import { archive, type Lines, madeEntry } from "../../src/stream/archive.ts";
import { type ManifestLine, pathFields } from "../../src/stream/archive-manifest.ts";
import type { TarEntry } from "../../src/stream/tar.ts";
import type { Item } from "./item.ts";
import { loadNames } from "./names.ts";
import type { Place } from "./place.ts";
import { takeFile } from "./take-file.ts";
import { takeRange } from "./take-range.ts";

export type BundleOrder = {
  readonly name: string;
  readonly place: Place;
  readonly items: (signal: AbortSignal) => AsyncIterable<Item>;
  readonly asked: Window | null;
  /** What the exhibit is where nothing that was looked for is there. */
  readonly nothing: { readonly outcome: Outcome; readonly detail: string };
  /** What the taken files cover; null: the moment of reading. */
  readonly covered: ((lines: { readonly from: string | null; readonly to: string | null }) => Window | null) | null;
  /** Anything the reader of the exhibit must know whatever the outcome. */
  readonly remark: string | null;
};

/** Files of this machine as one exhibit (archive.ts). */
export function bundle(order: BundleOrder): StreamSource {
  const { place } = order;
  let from: string | null = null;
  let to: string | null = null;

  function reach(line: ManifestLine): void {
    if (line.outcome !== "collected") return;
    // A copied file may be younger than its content: the earlier of the two times is where it can begin.
    for (const begin of [line.birthtime, line.mtime]) if (begin !== undefined && (from === null || begin < from)) from = begin;
    if (line.mtime !== undefined && (to === null || line.mtime > to)) to = line.mtime;
  }

  async function* entries(book: Lines, signal: AbortSignal): AsyncGenerator<TarEntry> {
    const names = await loadNames(place);
    const lines: Lines = {
      add(line) {
        book.add(line);
        reach(line);
      },
    };
    for await (const item of order.items(signal)) {
      signal.throwIfAborted();
      switch (item.kind) {
        case "file":
          yield* takeFile(item, { place, names, signal }, lines);
          break;
        case "made":
          yield madeEntry(item.member, item.bytes.length, only(item.bytes), place.clock);
          lines.add(madeLine(item));
          break;
        case "range":
          yield* takeRange(item, place, signal, lines);
          break;
        case "named":
          lines.add(item.line);
          break;
        default:
          throw item satisfies never;
      }
    }
  }

  return archive({
    name: order.name,
    clock: place.clock,
    entries,
    asked: order.asked,
    nothing: order.nothing,
    covered: (read) => (order.covered === null ? read : order.covered({ from, to })),
    remark: () => order.remark,
  });
}

function madeLine(item: Extract<Item, { kind: "made" }>): ManifestLine {
  return {
    ...pathFields(Buffer.from(item.member)),
    member: item.member,
    type: "made",
    source: item.source,
    size: String(item.bytes.length),
    sha256: createHash("sha256").update(item.bytes).digest("hex"),
    outcome: item.bytes.length === 0 ? "empty" : "collected",
    reason: item.reason,
  };
}

async function* only(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
