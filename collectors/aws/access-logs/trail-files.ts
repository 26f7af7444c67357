import type { Window } from "../../../src/core/window.ts";
import { bytesEntry } from "../logs/answer-entry.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import { type CollectedDigests, collectedDigests, stillStored } from "./collected-digests.ts";
import { digestSpan, validateChain } from "../digests/chain.ts";
import { gapOfLine } from "../digests/gap.ts";
import type { DigestKey } from "../digests/keys.ts";
import { hashContent } from "../digests/logs.ts";
import { parseDigestKey, parseLogKeyTime } from "../digests/names.ts";
import { type ChainOrder, type ChainReader, chainLimits } from "../digests/order.ts";
import { type ListedObject, listObjects } from "../logs/list-objects.ts";
import { type LogHashes, logHashes } from "../logs/log-hashes.ts";
import { metadataMember } from "../logs/log-names.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { lackLine } from "../logs/lack-line.ts";
import { daysOf } from "../logs/log-window.ts";
import { type PackedLines, packedLines } from "../logs/packed-lines.ts";
import { readAlong } from "../logs/read-along.ts";
import { takeObjects } from "../logs/take-objects.ts";
import type { TrailFolder } from "./trails.ts";

const [minuteMs, hourMs] = [60_000, 3_600_000];
/** Between the minute in a log file's name and its delivery. */
const deliveryMs = 30 * 60_000;

export type TrailFiles = {
  readonly order: ChainOrder;
  readonly digests: CollectedDigests;
  readonly digestKeys: readonly string[];
  readonly logs: LogHashes;
  readonly logKeys: PackedLines;
  /** Whether there is a chain, or has to be one. */
  readonly signed: boolean;
  /** Whether both folders could be listed. */
  readonly listed: boolean;
};

/**
 * Takes what one trail delivered for the account from one Region: digest files with their signatures, and log files. Of the log
 * files those of the hour before and after the window, too: a digest that touches it vouches for an hour.
 */
export async function* trailFiles(reading: LogReading, folder: TrailFolder, window: Window): AsyncGenerator<TarEntry, TrailFiles> {
  const { aws, pass, lines } = reading;
  const { trail, base, region, organization } = folder;
  const order: ChainOrder = {
    trailArn: trail.arn,
    account: aws.account,
    region,
    bucket: trail.bucket,
    prefix: trail.prefix,
    organization,
    window,
    listedAt: aws.slowClock().toISOString(),
    limits: chainLimits,
  };
  const digests = collectedDigests();
  const logs = logHashes();
  const logKeys = packedLines();
  const digestKeys: string[] = [];
  let listed = true;

  // Also where validation is off now: who switched it off could not take back what was signed before.
  const span = digestSpan(window);
  for (const day of daysOf(span.fromMs, span.untilMs))
    yield* takeObjects(
      reading,
      select(`${base}CloudTrail-Digest/${region}/`, day, isDigest, (key) => digestKeys.push(key)),
      {
        along: (object, bytes) => (object.older === null ? digests.keep(object, bytes) : bytes),
        *taken(object, { Metadata: metadata = {} }) {
          if (object.older === null) digests.note(object, metadata);
          const { bucket, key, older } = object;
          // The signature is in the object's metadata and nowhere else.
          const text = `${JSON.stringify({ bucket, key, version: older, metadata }, null, 2)}\n`;
          const member = metadataMember(bucket, older === null ? key : `${key}/${older}`);
          yield bytesEntry(aws.clock, lines, Buffer.from(text), {
            member,
            path: `s3://${bucket}/${key} metadata`,
            source: "derived:api:s3:GetObject metadata",
          });
        },
      },
    );
  const signed = trail.validated || digestKeys.length > 0;
  const [from, until] = logSpan(window, signed);
  for (const day of daysOf(from, until))
    yield* takeObjects(
      reading,
      select(`${base}CloudTrail/${region}/`, day, isLog, (key) => logKeys.add(key)),
      {
        along: (object, bytes) =>
          object.older === null && signed
            ? readAlong(
                bytes,
                (copy) => hashContent(order.limits.logBytes, copy, reading.signal),
                (found) => logs.add(object, found),
              )
            : bytes,
      },
    );
  return { order, digests, digestKeys, logs, logKeys, signed, listed };

  async function* select(
    prefix: string,
    day: readonly [string, string, string],
    belongs: (key: string, modified: Date | null) => boolean,
    note: (key: string) => unknown,
  ): AsyncGenerator<ListedObject> {
    const path = `${prefix}${day.join("/")}/`;
    const { found, asOf } = await listObjects(aws, trail.bucket, path, reading.signal);
    const source = pass.source(`s3://${trail.bucket}/${path} ${trail.arn}`, asOf);
    let whole = true;
    for await (const one of found) {
      if ("lack" in one) {
        if (one.key === null) whole = listed = false;
        if (one.key === null || belongs(one.key, null)) lines.add(one.lack);
        continue;
      }
      if (!belongs(one.key, one.modified)) continue;
      if (one.older === null) note(one.key);
      if (source.wants(`${one.key}\n${one.etag}\n${one.older ?? ""}`, one.modified)) yield one;
    }
    if (whole) source.done();
  }

  function isDigest(key: string): boolean {
    const name = parseDigestKey(order, key);
    const span = digestSpan(window);
    return name !== null && name.endMs >= span.fromMs && name.endMs <= span.untilMs;
  }

  /** A name that CloudTrail did not give was put there by somebody else, and is taken for that. */
  function isLog(key: string, modified: Date | null): boolean {
    const time = parseLogKeyTime(key) ?? modified?.getTime() ?? from;
    return time >= from && time <= until;
  }
}

/**
 * Of every digest that touches the window all files are needed, up to an hour beside it; without digests it is the window and what
 * comes late, for which CloudTrail promises no time. A name has the minute only: that of 12:00:45 stands before 12:00:30.
 */
function logSpan({ since, until }: Window, signed: boolean): readonly [from: number, until: number] {
  const [sinceMs, untilMs] = [Date.parse(since), Date.parse(until)];
  if (!signed) return [sinceMs - minuteMs, untilMs + hourMs];
  return [sinceMs - hourMs - deliveryMs, untilMs + hourMs];
}

/**
 * Validates the chain from what was collected, as it can be done again from the exhibit alone. Its lines go to the report, and
 * whatever is not valid is a gap. `alone` is false where another trail fills the same folder: its files are then no intruders.
 */
export async function checkTrail(reading: LogReading, files: TrailFiles, keys: readonly DigestKey[], alone: boolean, report: PackedLines): Promise<void> {
  const { digests, logs, logKeys, digestKeys, listed } = files;
  const reader: ChainReader = {
    digestKeys: () => each(digestKeys),
    logKeys: () => (alone && listed ? logKeys.lines() : null),
    digest: async (place, signal) => digests.get(place) ?? stillStored(reading, place, signal),
    log: async (place, signal) => logs.get(place) ?? stillStored(reading, place, signal),
    publicKeys: keys,
  };
  for await (const line of validateChain(files.order, reader, reading.signal)) {
    report.add(JSON.stringify(line));
    const gap = gapOfLine(line);
    if (gap !== null) reading.lines.add({ ...lackLine("", "check:cloudtrail-digest", gap.outcome, gap.reason), path: gap.what });
    if (line.kind === "summary") reading.remarks.add(`digest chain of ${line.trail} in ${line.region}: ${line.verdict} (${line.text})`);
  }
}

async function* each(keys: readonly string[]): AsyncGenerator<string> {
  yield* keys;
}
