import type { AccessSubject } from "./access-subject.ts";
import { bucketRegion } from "../logs/bucket-region.ts";
import { refusedLine } from "../logs/lack-line.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { allPages } from "../client/pages.ts";
import type { Concerned } from "./tampering.ts";
import type { TrailFacts } from "./trails.ts";

/** Buckets, groups and keys that the logs lie in, and the Regions whose history tells of them. */
export async function concernedOf(
  reading: LogReading,
  { logs, around }: AccessSubject,
  trails: readonly TrailFacts[],
): Promise<{ readonly concerned: Concerned; readonly regions: readonly string[] }> {
  const buckets = new Set(trails.map(({ bucket }) => bucket));
  const groups = new Set(trails.flatMap(({ logGroup }) => (logGroup === null ? [] : [logGroup.replace(/^.*:log-group:/, "").replace(/:\*$/, "")])));
  const keys = new Set(trails.flatMap(({ kmsKey }) => (kmsKey === null ? [] : [kmsKey, kmsKey.slice(kmsKey.lastIndexOf("/") + 1)])));
  const regions = trails.flatMap(({ kmsKey }) => /^arn:[^:]+:kms:([^:]+):/.exec(kmsKey ?? "")?.[1] ?? []);
  for (const log of logs) {
    if (log.kind === "bucket") buckets.add(log.bucket);
    if (log.kind === "group") groups.add(log.group);
    if (log.kind === "group") regions.push(log.region);
  }
  await addFlowLogs(reading, around, buckets, groups);
  for (const bucket of buckets) regions.push(...(await homeOf(reading, bucket)));
  // Without a trail its bucket cannot be known: whatever happened to any bucket or key is then told.
  const known = trails.length === 0 ? {} : { bucket: buckets, key: keys };
  return { concerned: { group: groups, "flow-log": new Set(around), ...known }, regions };
}

async function addFlowLogs({ aws, lines, signal }: LogReading, around: readonly string[], buckets: Set<string>, groups: Set<string>): Promise<void> {
  if (around.length === 0) return;
  const call = "ec2:DescribeFlowLogs";
  const asked = { Filter: [{ Name: "resource-id", Values: [...around] }], MaxResults: 1000 };
  const read = await allPages(call, (from) => aws.link.ask("source", null, call, { ...asked, ...from }, signal));
  if (read.kind === "refused") {
    lines.add(refusedLine("changes of the flow logs' buckets and groups", read));
    return;
  }
  for (const { LogDestination: arn = "", LogGroupName: group } of read.pages.flatMap(({ FlowLogs = [] }) => FlowLogs)) {
    const bucket = /^arn:[^:]+:s3:::([^/]+)/.exec(arn)?.[1];
    if (bucket !== undefined) buckets.add(bucket);
    if (group !== undefined) groups.add(group);
  }
}

/** A bucket's calls are in the history of its own Region, and that of another account's bucket in nobody's but theirs. */
async function homeOf({ aws, lines, signal }: LogReading, bucket: string): Promise<readonly string[]> {
  const answer = await aws.link.ask("source", null, "s3:GetBucketLocation", { Bucket: bucket }, signal);
  if (answer.kind === "answer") return [bucketRegion(answer.value.LocationConstraint)];
  const line = refusedLine(`changes of bucket ${bucket}`, answer);
  lines.add({ ...line, reason: `its Region, and so where its history is, could not be learned: ${line.reason}` });
  return [];
}
