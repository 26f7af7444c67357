/** CloudWatch Logs as a reader sees it. A group's events come from a list or from a function, so that a million of them cost nothing. */
import { filterLogEvents } from "./logs-filter.ts";
import { groupOf, type LogGroup, type LogsWorld } from "./logs-world.ts";
import { flagOf, numberOf, textOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Reply, type Service, Unknown } from "./service.ts";

export function logsService(world: LogsWorld): Service {
  return {
    name: "logs",
    protocol: "json",
    targetPrefix: "Logs_20140328",
    operations: {
      DescribeLogGroups: (call) => describeLogGroups(world, call),
      DescribeLogStreams: (call) => describeLogStreams(world, call),
      FilterLogEvents: (call) => filterLogEvents(world, call),
    },
  };
}

function paging(world: LogsWorld, call: Call): Parameters<typeof pageOf>[1] {
  const size = numberOf(call.params, "limit") ?? 50;
  if (!(size >= 1 && size <= 50)) throw new AwsRefusal("InvalidParameterException", "limit must be between 1 and 50");
  return {
    size,
    token: textOf(call.params, "nextToken"),
    request: requestOf(call, "nextToken"),
    now: call.now,
    bad: () => new AwsRefusal("InvalidParameterException", "The specified nextToken is invalid."),
    empties: world.emptyPages,
  };
}

function describeLogGroups(world: LogsWorld, call: Call): Reply {
  for (const name of ["accountIdentifiers", "includeLinkedAccounts", "logGroupIdentifiers"])
    if (call.params[name] !== undefined) throw new Unknown(`logs:DescribeLogGroups with ${name}`);
  const prefix = textOf(call.params, "logGroupNamePrefix");
  const pattern = textOf(call.params, "logGroupNamePattern");
  if (prefix !== null && pattern !== null)
    throw new AwsRefusal("InvalidParameterException", "logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters.");
  const groups = world.groups
    .filter((group) => group.account === call.account && group.region === call.region)
    .filter(({ name }) => name.startsWith(prefix ?? "") && name.toLowerCase().includes((pattern ?? "").toLowerCase()))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const { items, next } = pageOf(() => groups, paging(world, call));
  return { json: { logGroups: items.map(shownGroup), ...(next === null ? {} : { nextToken: next }) } };
}

function shownGroup(group: LogGroup): unknown {
  const arn = `arn:aws:logs:${group.region}:${group.account}:log-group:${group.name}`;
  return {
    logGroupName: group.name,
    creationTime: group.created.getTime(),
    ...(group.retentionDays === undefined ? {} : { retentionInDays: group.retentionDays }),
    metricFilterCount: 0,
    arn: `${arn}:*`,
    logGroupArn: arn,
    storedBytes: group.events.count * 100,
    ...(group.kmsKeyId === undefined ? {} : { kmsKeyId: group.kmsKeyId }),
    logGroupClass: "STANDARD",
  };
}

function describeLogStreams(world: LogsWorld, call: Call): Reply {
  const group = groupOf(world, call);
  const prefix = textOf(call.params, "logStreamNamePrefix");
  const byTime = textOf(call.params, "orderBy") === "LastEventTime";
  if (byTime && prefix !== null) throw new AwsRefusal("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.");
  const streams = [...group.streams].filter((name) => name.startsWith(prefix ?? "")).sort();
  if (flagOf(call.params, "descending") === true) streams.reverse();
  const { items, next } = pageOf(() => streams, paging(world, call));
  const shown = items.map((name) => ({
    logStreamName: name,
    creationTime: group.created.getTime(),
    arn: `arn:aws:logs:${group.region}:${group.account}:log-group:${group.name}:log-stream:${name}`,
    storedBytes: 0,
  }));
  return { json: { logStreams: shown, ...(next === null ? {} : { nextToken: next }) } };
}
