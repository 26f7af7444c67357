import type { Window } from "../../../src/core/window.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import type { Aws } from "../aws.ts";
import type { FlowLog } from "./sources.ts";
import { type ListedObject, listObjects } from "../logs/list-objects.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { lackLine } from "../logs/lack-line.ts";
import { daysOf, latenessMs } from "../logs/log-window.ts";
import type { PassSource } from "../logs/pass.ts";
import { takeObjects } from "../logs/take-objects.ts";

/** The objects of one flow log in S3, of the window: both layouts, all formats, byte for byte. True at its end where the bucket could be listed. */
export async function* flowObjects(reading: LogReading, log: FlowLog, window: Window): AsyncGenerator<TarEntry, boolean> {
  const { aws, lines, pass, signal } = reading;
  const id = log.FlowLogId ?? "";
  const [, bucket, folder = ""] = /^arn:[^:]+:s3:::([^/]+)(?:\/(.*))?$/.exec(log.LogDestination ?? "") ?? [];
  if (bucket === undefined) {
    lines.add(lackLine(`objects of ${id}`, "api:ec2:DescribeFlowLogs", "failed", `its destination is no bucket: ${log.LogDestination ?? "none"}`));
    return false;
  }
  const { from, until } = spanOf(log, window);
  const prefix = folder === "" || folder.endsWith("/") ? folder : `${folder}/`;
  const state = { listed: true, found: 0 };
  // A file lies in the folder of the day that it begins in.
  for (const day of daysOf(from - intervalMs(log), until)) yield* takeObjects(reading, ofDay(`${prefix}${dayFolder(aws, log, day)}`));
  if (state.listed && state.found === 0) {
    const what = pass.late ? "nothing arrived after the first pass" : "no object of the window stands there";
    lines.add(lackLine(`s3://${bucket}/${prefix} ${id}`, "api:s3:List", "empty", what));
  }
  return state.listed;

  async function* ofDay(folderOfDay: string): AsyncGenerator<ListedObject> {
    const listing = await listObjects(aws, bucket ?? "", folderOfDay, signal);
    const source: PassSource = pass.source(`s3://${bucket}/${folderOfDay} ${id}`, listing.asOf);
    let whole = true;
    for await (const one of listing.found) {
      if ("lack" in one) {
        if (one.key === null) whole = state.listed = false;
        if (one.key === null || (belongs(one.key) && inSpan(one.key))) lines.add(one.lack);
        continue;
      }
      if (!belongs(one.key) || !inSpan(one.key, one.modified) || !source.wants(`${one.key}\n${one.etag}\n${one.older ?? ""}`, one.modified)) continue;
      state.found += 1;
      yield one;
    }
    if (whole) source.done();
  }

  /** Two flow logs may share a folder. What has no name of a flow log was not put there by one, and is taken for that. */
  function belongs(key: string): boolean {
    const name = nameOf(key);
    return name === null || name.id === id;
  }

  function inSpan(key: string, modified: Date | null = null): boolean {
    const time = nameOf(key)?.time ?? modified?.getTime() ?? from;
    return time >= from && time <= until;
  }
}

/** A file holds the records of some minutes before the time in its name, and is written some minutes later. */
function spanOf(log: FlowLog, { since, until }: Window): { readonly from: number; readonly until: number } {
  return { from: Date.parse(since), until: Date.parse(until) + intervalMs(log) + latenessMs.flow };
}

/** How much time one record may cover. */
export function intervalMs({ MaxAggregationInterval: seconds = 600 }: FlowLog): number {
  return seconds * 1000;
}

/** VPC User Guide, "Flow log files": `ACCOUNT_vpcflowlogs_REGION_FLOW-LOG_YYYYMMDDTHHmmZ_HASH.log.gz`, or `.log.parquet`. */
function nameOf(key: string): { readonly id: string; readonly time: number } | null {
  const [, id, year, month, day, hour, minute] = /_vpcflowlogs_[a-z0-9-]+_(fl-[0-9a-f]+)_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_[^/_]+$/.exec(key) ?? [];
  return id === undefined ? null : { id, time: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`) };
}

function dayFolder(aws: Aws, { DestinationOptions: options }: FlowLog, [year, month, day]: readonly [string, string, string]): string {
  const region = aws.instance.region;
  return options?.HiveCompatiblePartitions === true
    ? `AWSLogs/aws-account-id=${aws.account}/aws-service=vpcflowlogs/aws-region=${region}/year=${year}/month=${month}/day=${day}/`
    : `AWSLogs/${aws.account}/vpcflowlogs/${region}/${year}/${month}/${day}/`;
}
