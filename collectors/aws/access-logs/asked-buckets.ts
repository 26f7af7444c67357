import type { Window } from "../../../src/core/window.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import { answerEntry, settingsLines } from "../logs/answer-entry.ts";
import type { AskedLog } from "./asked-logs.ts";
import { type ListedObject, listObjects } from "../logs/list-objects.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { lackLine, refusedLine } from "../logs/lack-line.ts";
import { daysOf } from "../logs/log-window.ts";
import { bucketRegion } from "../logs/bucket-region.ts";
import { takeObjects } from "../logs/take-objects.ts";

/** S3 delivers its access logs as it can, "most within a few hours"; load balancers every five minutes, classic ones up to each hour. */
const lateMs = { bucket: 6 * 3_600_000, balancer: 65 * 60_000 };

type Day = readonly [year: string, month: string, day: string];
type Deliveries = {
  readonly bucket: string;
  readonly of: string;
  readonly folder: (day: Day) => string;
  readonly timeOf: (key: string) => number | null;
  readonly lateMs: number;
};

/** S3 server access logs of a bucket: settings, then the objects of the window where they say. True at its end where they could be listed. */
export async function* serverAccessLogs(
  reading: LogReading,
  { bucket }: Extract<AskedLog, { kind: "bucket" }>,
  window: Window,
): AsyncGenerator<TarEntry, boolean> {
  const { aws, lines, signal } = reading;
  const call = "s3:GetBucketLogging";
  const path = `server access logs of ${bucket}`;
  const answer = await aws.link.ask("source", null, call, { Bucket: bucket }, signal, { keepWire: true });
  if (answer.kind === "refused") {
    lines.add(refusedLine(path, answer));
    return false;
  }
  yield answerEntry(aws.clock, settingsLines(lines), answer, { member: `s3/${bucket}?logging.xml`, call, path: `logging of ${bucket}` });
  const { TargetBucket: target, TargetPrefix: prefix = "", TargetObjectKeyFormat: format } = answer.value.LoggingEnabled ?? {};
  if (target === undefined) {
    lines.add(lackLine(path, `api:${call}`, "source-disabled", `server access logging of ${bucket} is switched off`));
    return false;
  }
  let start = prefix;
  if (format?.PartitionedPrefix !== undefined) {
    const home = await aws.link.ask("source", null, "s3:GetBucketLocation", { Bucket: bucket }, signal);
    if (home.kind === "refused") {
      lines.add(refusedLine(path, home));
      return false;
    }
    start = `${prefix}${aws.account}/${bucketRegion(home.value.LocationConstraint)}/${bucket}/`;
  }
  const folder = ([year, month, day]: Day): string =>
    format?.PartitionedPrefix === undefined ? `${start}${year}-${month}-${day}-` : `${start}${year}/${month}/${day}/`;
  return yield* deliveries(reading, window, {
    bucket: target,
    of: path,
    folder,
    timeOf: (key) => stampOf(key, /(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-\d\d-[0-9A-F]{16}$/),
    lateMs: lateMs.bucket,
  });
}

/** Access logs of a load balancer. True at its end where they could be listed. */
export async function* balancerLogs(reading: LogReading, asked: Extract<AskedLog, { kind: "balancer" }>, window: Window): AsyncGenerator<TarEntry, boolean> {
  const { aws, lines, signal } = reading;
  const { arn, region, account, name } = asked;
  const call = "elasticloadbalancing:DescribeLoadBalancerAttributes";
  const path = `access logs of load balancer ${name}`;
  const answer = await aws.link.ask("source", region, call, { LoadBalancerArn: arn }, signal, { keepWire: true });
  if (answer.kind === "refused") {
    lines.add(refusedLine(path, answer));
    return false;
  }
  yield answerEntry(aws.clock, settingsLines(lines), answer, {
    member: `elasticloadbalancing/${encodeURIComponent(arn)}.xml`,
    call,
    path: `attributes of ${name}`,
  });
  const attributes = new Map((answer.value.Attributes ?? []).map(({ Key: key = "", Value: value = "" }) => [key, value]));
  const bucket = attributes.get("access_logs.s3.bucket") ?? "";
  if (attributes.get("access_logs.s3.enabled") !== "true" || bucket === "") {
    lines.add(lackLine(path, `api:${call}`, "source-disabled", `access logs of ${arn} are switched off`));
    return false;
  }
  const prefix = attributes.get("access_logs.s3.prefix") ?? "";
  const start = `${prefix === "" ? "" : `${prefix}/`}AWSLogs/${account}/elasticloadbalancing/${region}/`;
  const own = `_elasticloadbalancing_${region}_${name.replaceAll("/", ".")}_`;
  return yield* deliveries(reading, window, {
    bucket,
    of: path,
    folder: ([year, month, day]) => `${start}${year}/${month}/${day}/`,
    timeOf: (key) => (key.includes(own) ? stampOf(key, /_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_/) : null),
    lateMs: lateMs.balancer,
  });
}

async function* deliveries(reading: LogReading, window: Window, { bucket, of, folder, timeOf, lateMs: late }: Deliveries): AsyncGenerator<TarEntry, boolean> {
  const { aws, lines, pass, signal } = reading;
  // A name has the minute only: that of 12:00:45 stands before 12:00:30.
  const [from, until] = [Date.parse(window.since) - 60_000, Date.parse(window.until) + late];
  let [listed, found] = [true, 0];
  for (const day of daysOf(from, until)) yield* takeObjects(reading, ofDay(folder(day)));
  if (listed && found === 0)
    lines.add(lackLine(of, "api:s3:List", "empty", pass.late ? "nothing arrived after the first pass" : `no object of the window stands in s3://${bucket}`));
  return listed;

  async function* ofDay(prefix: string): AsyncGenerator<ListedObject> {
    const listing = await listObjects(aws, bucket, prefix, signal);
    const source = pass.source(`s3://${bucket}/${prefix} ${of}`, listing.asOf);
    const inside = (key: string): boolean => {
      const time = timeOf(key);
      return time !== null && time >= from && time <= until;
    };
    let whole = true;
    for await (const one of listing.found) {
      if ("lack" in one) {
        if (one.key === null) whole = listed = false;
        if (one.key === null || inside(one.key)) lines.add(one.lack);
      } else if (inside(one.key) && source.wants(`${one.key}\n${one.etag}\n${one.older ?? ""}`, one.modified)) {
        found += 1;
        yield one;
      }
    }
    if (whole) source.done();
  }
}

function stampOf(key: string, form: RegExp): number | null {
  const [, year, month, day, hour, minute] = form.exec(key) ?? [];
  return year === undefined ? null : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
}
