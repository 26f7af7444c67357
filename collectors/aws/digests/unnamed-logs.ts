import type { DigestCoverage } from "./coverage.ts";
import type { LogLine } from "./line.ts";
import { hashLog } from "./logs.ts";
import { parseLogKeyTime } from "./names.ts";
import type { ChainOrder, ChainReader } from "./order.ts";
import type { NamedLogs } from "./named-logs.ts";

const hourMs = 3_600_000;

/** The listed log files that no signed digest names: put there afterwards, moved there, or of a time whose digest is not to be had. */
export async function* unnamedLogs(
  order: ChainOrder,
  reader: ChainReader,
  keys: AsyncIterable<string>,
  named: NamedLogs,
  coverage: DigestCoverage,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const [sinceMs, untilMs] = [Date.parse(order.window.since), Date.parse(order.window.until)];
  for await (const key of keys) {
    signal.throwIfAborted();
    const place = { bucket: order.bucket, key };
    if (named.has(place)) continue;
    const missed = named.missedAs(key);
    if (missed !== null) {
      const found = await hashLog(order, reader, place, signal);
      const same = found.kind === "hash" && found.sha256 === missed.sha256;
      const content = same ? "its content is what the digest names" : "its content is not shown to be what the digest names";
      yield { kind: "log", ...place, verdict: "moved", text: `it belongs at ${missed.place.bucket}/${missed.place.key}; ${content}`, digest: null };
      continue;
    }
    const ms = parseLogKeyTime(key);
    if (ms === null) {
      yield { kind: "log", ...place, verdict: "added", text: "no digest names it, and its name is not one that CloudTrail gives", digest: null };
      continue;
    }
    if (ms < sinceMs || ms > untilMs) continue; // nobody asked for its time, and the digests of it were not read
    // The name has the minute in which the file was begun; which digest names it depends on when it was delivered, some minutes later.
    const covered = coverage.covers(ms, ms + hourMs);
    yield {
      kind: "log",
      ...place,
      verdict: covered ? "added" : "uncovered",
      text: covered ? "no digest names it, though valid digests cover its time" : "no digest names it, and no valid digest covers its time",
      digest: null,
    };
  }
}
