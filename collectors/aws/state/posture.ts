import type { CallName } from "../calls/calls.ts";
import { byNextToken, type StateCall, stateCall } from "./call.ts";
import type { Output } from "../client/link.ts";

/** What postureCalls may ask, for the plan. */
export const postureCallNames: readonly CallName[] = [
  "cloudtrail:DescribeTrails",
  "cloudtrail:GetTrail",
  "cloudtrail:GetTrailStatus",
  "cloudtrail:GetEventSelectors",
  "ec2:DescribeFlowLogs",
  "s3:GetBucketLocation",
  "s3:GetBucketPolicy",
  "s3:GetBucketLifecycleConfiguration",
  "s3:GetBucketVersioning",
  "s3:GetObjectLockConfiguration",
  "s3:GetBucketLogging",
  "logs:DescribeLogGroups",
];

/**
 * The settings that decide what is logged and how long it stays: trails with their selectors, flow logs, the buckets and groups they
 * go to. `around`: the instance's interfaces with their subnets and VPCs.
 */
export function postureCalls(around: readonly string[]): readonly StateCall[] {
  const flowLogs = stateCall({
    name: "ec2:DescribeFlowLogs",
    input: { Filter: [{ Name: "resource-id", Values: [...around] }], MaxResults: 1000 },
    next: byNextToken,
    follow: ({ FlowLogs: logs = [] }) => logs.flatMap(flowLogCalls),
  });
  // A trail of another Region that records this one is a shadow here, and is shown unless that is declined.
  const trails = stateCall({
    name: "cloudtrail:DescribeTrails",
    input: { includeShadowTrails: true },
    follow: ({ trailList: found = [] }) => found.flatMap(trailCalls),
  });
  return around.length === 0 ? [trails] : [trails, flowLogs];
}

type Trail = NonNullable<Output<"cloudtrail:DescribeTrails">["trailList"]>[number];

function trailCalls({ TrailARN: arn, HomeRegion: home, S3BucketName: bucket, CloudWatchLogsLogGroupArn: group }: Trail): readonly StateCall[] {
  if (arn === undefined) return [];
  const region = home ?? null;
  const inside = [
    stateCall({ name: "cloudtrail:GetTrail", region, input: { Name: arn } }),
    stateCall({ name: "cloudtrail:GetTrailStatus", region, input: { Name: arn } }),
    stateCall({ name: "cloudtrail:GetEventSelectors", region, input: { TrailName: arn } }),
  ];
  return [...inside, ...(bucket === undefined ? [] : bucketCalls(bucket)), ...groupCalls(group ?? null)];
}

type FlowLog = NonNullable<Output<"ec2:DescribeFlowLogs">["FlowLogs"]>[number];

function flowLogCalls({ LogDestinationType: kind, LogDestination: arn, LogGroupName: group }: FlowLog): readonly StateCall[] {
  const bucket = kind === "s3" ? /^arn:[^:]+:s3:::([^/]+)/.exec(arn ?? "")?.[1] : undefined;
  if (bucket !== undefined) return bucketCalls(bucket);
  return kind === "s3" || kind === "kinesis-data-firehose" ? [] : groupCalls(arn ?? null, group);
}

/** Who may write and delete in a bucket of logs, and when they go by rule. */
function bucketCalls(bucket: string): readonly StateCall[] {
  const input = { Bucket: bucket };
  return [
    stateCall({ name: "s3:GetBucketLocation", input }),
    stateCall({ name: "s3:GetBucketPolicy", input, none: { codes: ["NoSuchBucketPolicy"], means: "the bucket has no policy" } }),
    stateCall({
      name: "s3:GetBucketLifecycleConfiguration",
      input,
      none: { codes: ["NoSuchLifecycleConfiguration"], means: "the bucket deletes nothing by rule" },
    }),
    stateCall({ name: "s3:GetBucketVersioning", input }),
    stateCall({
      name: "s3:GetObjectLockConfiguration",
      input,
      none: { codes: ["ObjectLockConfigurationNotFoundError"], means: "the bucket locks nothing" },
    }),
    stateCall({ name: "s3:GetBucketLogging", input }),
  ];
}

/** Retention and key of a group. Others whose names begin alike come with it; there is no call for one alone. */
function groupCalls(arn: string | null, named?: string): readonly StateCall[] {
  const [, region = null, name] = /^arn:[^:]+:logs:([^:]+):\d{12}:log-group:([^:]+)/.exec(arn ?? "") ?? [];
  const prefix = name ?? named;
  if (prefix === undefined) return [];
  return [
    stateCall({
      name: "logs:DescribeLogGroups",
      region,
      input: { logGroupNamePrefix: prefix },
      next: ({ nextToken: token }) => (token === undefined || token === "" ? null : { nextToken: token }),
    }),
  ];
}
