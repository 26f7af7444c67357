import { createHash } from "node:crypto";
import type { Outcome } from "../../src/core/outcome.ts";
import type { SourceReport, StreamSource } from "../../src/core/source.ts";
import type { Window } from "../../src/core/window.ts";
import { HoldfastError } from "../../src/core/error.ts";
import { type TarEntry, tarStream } from "../../src/stream/tar.ts";
import type { Item } from "./item.ts";
import { type ManifestLine, manifestBook, pathFields } from "./manifest.ts";
import { loadNames } from "./names.ts";
import type { Place } from "./place.ts";
import { takeFile } from "./take-file.ts";
import { takeRange } from "./take-range.ts";
import { tally } from "./tally.ts";

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

/** Many files as one exhibit: a pax archive whose last member, `manifest.jsonl`, has one line for everything that was looked for. */
export function bundle(order: BundleOrder): StreamSource {
  const book = manifestBook();
  const counts = tally();
  let started: string | null = null;
  let ended: string | null = null;
  let from: string | null = null;
  let to: string | null = null;

  const lines = {
    add(line: ManifestLine): void {
      book.add(line);
      counts.add(line, !line.source.startsWith("derived:"));
      if (line.outcome !== "collected") return;
      // A copied file may be younger than its content: the earlier of the two times is where it can begin.
      for (const begin of [line.birthtime, line.mtime]) if (begin !== undefined && (from === null || begin < from)) from = begin;
      if (line.mtime !== undefined && (to === null || line.mtime > to)) to = line.mtime;
    },
  };

  async function* entries(signal: AbortSignal): AsyncGenerator<TarEntry> {
    const names = await loadNames(order.place);
    for await (const item of order.items(signal)) {
      signal.throwIfAborted();
      switch (item.kind) {
        case "file":
          yield* takeFile(item, { place: order.place, names, signal }, lines);
          break;
        case "made":
          yield made(item.member, item.bytes.length, only(item.bytes), order.place);
          lines.add(madeLine(item));
          break;
        case "range":
          yield* takeRange(item, order.place, signal, lines);
          break;
        case "named":
          lines.add(item.line);
          break;
        default:
          throw item satisfies never;
      }
    }
    yield made("manifest.jsonl", book.size(), book.bytes(), order.place);
    ended = order.place.clock().toISOString();
  }

  return {
    kind: "stream",
    name: order.name,
    mediaType: "application/x-tar",
    store: "as-is",
    size: null,
    async *bytes(signal) {
      if (started !== null) throw new HoldfastError("unexpected", `${order.name}: a live source is read once; open it again`);
      started = order.place.clock().toISOString();
      yield* tarStream(entries(signal));
    },
    report(): SourceReport {
      if (started === null || ended === null) throw new HoldfastError("unexpected", `${order.name}: there is no report before the bytes have ended`);
      const got = order.covered === null ? { since: started, until: ended } : order.covered({ from, to });
      const report = counts.report(order.asked, got, order.nothing);
      const detail = [order.remark, report.detail].filter((text) => text !== null).join("; ");
      return { ...report, detail: detail === "" ? null : detail };
    },
    close: () => Promise.resolve(),
  };
}

function made(path: string, size: number, bytes: AsyncIterable<Uint8Array>, place: Place): TarEntry {
  const mtimeNs = BigInt(place.clock().getTime()) * 1_000_000n;
  return {
    member: { path: Buffer.from(path), type: "file", size, mode: 0o444, uid: 0, gid: 0, owner: "root", group: "root", mtimeNs, linkTarget: null },
    bytes,
  };
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
