import { HoldfastError } from "../core/error.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Clock } from "../core/ports.ts";
import type { SourceReport, StreamSource } from "../core/source.ts";
import type { Window } from "../core/window.ts";
import { type ManifestLine, manifestBook } from "./archive-manifest.ts";
import { tally } from "./archive-tally.ts";
import { type TarEntry, tarStream } from "./tar.ts";

/** The manifest while it is written: one line for everything that was looked for. */
export type Lines = { add(line: ManifestLine): void };

export type ArchiveOrder = {
  readonly name: string;
  readonly clock: Clock;
  /** Gives the members in order; each adds its line once its bytes are known. */
  readonly entries: (lines: Lines, signal: AbortSignal) => AsyncIterable<TarEntry>;
  readonly asked: Window | null;
  /** What the exhibit is where nothing that was looked for is there. */
  readonly nothing: { readonly outcome: Outcome; readonly detail: string };
  /** What was covered, given the time that it was read; asked when the bytes have ended. */
  readonly covered: (read: Window) => Window | null;
  /** Anything the reader of the exhibit must know whatever the outcome; asked when the bytes have ended. */
  readonly remark: () => string | null;
};

/** Many files as one exhibit: a pax archive whose last member, `manifest.jsonl`, has one line for everything that was looked for. */
export function archive(order: ArchiveOrder): StreamSource {
  const book = manifestBook();
  const counts = tally();
  let started: string | null = null;
  let ended: string | null = null;
  const lines: Lines = {
    add(line) {
      book.add(line);
      counts.add(line, !line.source.startsWith("derived:"));
    },
  };

  async function* entries(signal: AbortSignal): AsyncGenerator<TarEntry> {
    yield* order.entries(lines, signal);
    yield madeEntry("manifest.jsonl", book.size(), book.bytes(), order.clock);
    ended = order.clock().toISOString();
  }

  return {
    kind: "stream",
    name: order.name,
    mediaType: "application/x-tar",
    store: "as-is",
    size: null,
    async *bytes(signal) {
      if (started !== null) throw new HoldfastError("unexpected", `${order.name}: a live source is read once; open it again`);
      started = order.clock().toISOString();
      yield* tarStream(entries(signal));
    },
    report(): SourceReport {
      if (started === null || ended === null) throw new HoldfastError("unexpected", `${order.name}: there is no report before the bytes have ended`);
      const report = counts.report(order.asked, order.covered({ since: started, until: ended }), order.nothing);
      const detail = [order.remark(), report.detail].filter((text) => text !== null).join("; ");
      return { ...report, detail: detail === "" ? null : detail };
    },
    close: () => Promise.resolve(),
  };
}

/** A member that Holdfast gives its place and time: whose owner, mode and age are nobody's evidence. */
export function madeEntry(path: string, size: number, bytes: AsyncIterable<Uint8Array>, clock: Clock): TarEntry {
  const mtimeNs = BigInt(clock().getTime()) * 1_000_000n;
  return {
    member: { path: Buffer.from(path), type: "file", size, mode: 0o444, uid: 0, gid: 0, owner: "root", group: "root", mtimeNs, linkTarget: null },
    bytes,
  };
}
