/** CloudTrail as a reader sees it: events of the last 90 days at two requests a second, trails, and the keys of their digests. */
import type { CloudTrailWorld, Trail, TrailEvent } from "./cloudtrail-world.ts";
import { itemsOf, numberOf, requiredText, textOf, textsOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Reply, type Service } from "./service.ts";
import { describeTrails, getEventSelectors, getTrail, getTrailStatus } from "./cloudtrail-trails.ts";

export function cloudTrailService(world: CloudTrailWorld): Service {
  const allowances = new Map<string, { tokens: number; at: number }>();
  /** Two requests a second for an account in a Region, measured in real time: a test's clock may stand still. */
  const allowed = (call: Call): boolean => {
    const name = `${call.account} ${call.region}`;
    const at = performance.now();
    const one = allowances.get(name) ?? { tokens: world.lookupsPerSecond, at };
    one.tokens = Math.min(world.lookupsPerSecond, one.tokens + ((at - one.at) / 1000) * world.lookupsPerSecond);
    one.at = at;
    allowances.set(name, one);
    if (one.tokens < 1) return false;
    one.tokens -= 1;
    return true;
  };
  return {
    name: "cloudtrail",
    protocol: "json",
    targetPrefix: "CloudTrail_20131101",
    operations: {
      LookupEvents: (call) => {
        if (!allowed(call)) throw new AwsRefusal("ThrottlingException", "Rate exceeded");
        return lookupEvents(world, call);
      },
      ListPublicKeys: (call) => listPublicKeys(world, call),
      DescribeTrails: (call) => describeTrails(world, call),
      GetTrail: (call) => getTrail(world, call),
      GetTrailStatus: (call) => getTrailStatus(world, call),
      GetEventSelectors: (call) => getEventSelectors(world, call),
      ListTags: (call) => listTags(world, call),
    },
  };
}

const ninetyDays = 90 * 86_400_000;

function lookupEvents(world: CloudTrailWorld, call: Call): Reply {
  const { params } = call;
  const attributes = itemsOf(params, "LookupAttributes").map((one) => [requiredText(one, "AttributeKey"), requiredText(one, "AttributeValue")] as const);
  if (attributes.length > 1) throw new AwsRefusal("InvalidLookupAttributesException", "Only one lookup attribute can be specified.");
  const from = (numberOf(params, "StartTime") ?? 0) * 1000;
  const until = (numberOf(params, "EndTime") ?? Number.POSITIVE_INFINITY) * 1000;
  if (from > until) throw new AwsRefusal("InvalidTimeRangeException", "The start time is after the end time.");
  const size = numberOf(params, "MaxResults") ?? 50;
  if (!(size >= 1 && size <= 50)) throw new AwsRefusal("InvalidMaxResultsException", "MaxResults must be between 1 and 50.");
  const insights = textOf(params, "EventCategory") === "insight";
  const seen = (asOf: Date): readonly TrailEvent[] =>
    insights
      ? []
      : world.events
          .filter(
            (event) =>
              event.account === call.account &&
              event.region === call.region &&
              event.time.getTime() >= Math.max(from, call.now.getTime() - ninetyDays) &&
              event.time.getTime() <= until &&
              (event.visibleFrom ?? event.time).getTime() <= asOf.getTime() &&
              attributes.every(([key, value]) => hasAttribute(event, key, value)),
          )
          .sort((a, b) => b.time.getTime() - a.time.getTime() || (a.id < b.id ? 1 : -1));
  const { items, next } = pageOf(seen, {
    size,
    token: textOf(params, "NextToken"),
    request: requestOf(call, "NextToken"),
    now: call.now,
    bad: () => new AwsRefusal("InvalidNextTokenException", "The token is not valid, or was given for other parameters."),
    empties: world.emptyPages,
  });
  return { json: { Events: items.map(shownEvent), ...(next === null ? {} : { NextToken: next }) } };
}

function hasAttribute(event: TrailEvent, key: string, value: string): boolean {
  switch (key) {
    case "EventId":
      return event.id === value;
    case "EventName":
      return event.name === value;
    case "EventSource":
      return event.source === value;
    case "Username":
      return event.user === value;
    case "ReadOnly":
      return String(event.readOnly) === value;
    case "AccessKeyId":
      return event.accessKeyId === value;
    case "ResourceName":
      return event.resources.some(({ name }) => name === value);
    case "ResourceType":
      return event.resources.some(({ type }) => type === value);
    default:
      throw new AwsRefusal("InvalidLookupAttributesException", `No such lookup attribute: ${key}`);
  }
}

function shownEvent(event: TrailEvent): unknown {
  return {
    EventId: event.id,
    EventName: event.name,
    ReadOnly: String(event.readOnly),
    ...(event.accessKeyId === null ? {} : { AccessKeyId: event.accessKeyId }),
    EventTime: event.time.getTime() / 1000,
    EventSource: event.source,
    Username: event.user,
    Resources: event.resources.map(({ type, name }) => ({ ResourceType: type, ResourceName: name })),
    CloudTrailEvent: JSON.stringify(event.record),
  };
}

function listPublicKeys(world: CloudTrailWorld, call: Call): Reply {
  const now = call.now.getTime() / 1000;
  const from = numberOf(call.params, "StartTime") ?? now;
  const until = numberOf(call.params, "EndTime") ?? now;
  if (from > until) throw new AwsRefusal("InvalidTimeRangeException", "The start time is after the end time.");
  const keys = world.publicKeys.filter(
    (key) => key.region === call.region && key.validFrom.getTime() / 1000 <= until && key.validUntil.getTime() / 1000 >= from,
  );
  const { items, next } = pageOf(() => keys, {
    size: world.keysAPage,
    token: textOf(call.params, "NextToken"),
    request: requestOf(call, "NextToken"),
    now: call.now,
    bad: () => new AwsRefusal("InvalidTokenException", "The token is not valid."),
    empties: world.emptyPages,
  });
  return {
    json: {
      PublicKeyList: items.map((key) => ({
        Value: key.der.toString("base64"),
        ValidityStartTime: key.validFrom.getTime() / 1000,
        ValidityEndTime: key.validUntil.getTime() / 1000,
        Fingerprint: key.fingerprint,
      })),
      ...(next === null ? {} : { NextToken: next }),
    },
  };
}

function listTags(world: CloudTrailWorld, call: Call): Reply {
  const found = textsOf(call.params, "ResourceIdList").map((arn) => {
    const trail = world.trails.find((one: Trail) => one.arn === arn && one.account === call.account);
    if (trail === undefined) throw new AwsRefusal("ResourceNotFoundException", `No such resource: ${arn}`);
    return { ResourceId: arn, TagsList: Object.entries(trail.tags ?? {}).map(([Key, Value]) => ({ Key, Value })) };
  });
  return { json: { ResourceTagList: found } };
}
