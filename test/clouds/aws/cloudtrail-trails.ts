import type { CloudTrailWorld, Trail } from "./cloudtrail-world.ts";
import { flagOf, requiredText, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";

/** A trail is seen from its home; as a shadow from other Regions if it covers them, and from the accounts of its organization. */
function visible(trail: Trail, call: Call, shadows: boolean): boolean {
  const home = trail.account === call.account && trail.region === call.region;
  if (home) return true;
  if (!shadows) return false;
  const member = trail.account === call.account || trail.members.includes(call.account);
  return member && (trail.multiRegion || trail.region === call.region);
}

export function describeTrails(world: CloudTrailWorld, call: Call): Reply {
  const shadows = flagOf(call.params, "includeShadowTrails") ?? true;
  const names = textsOf(call.params, "trailNameList");
  const asked = (trail: Trail): boolean =>
    names.length === 0
      ? visible(trail, call, shadows)
      : names.includes(trail.arn)
        ? visible(trail, call, shadows)
        : names.includes(trail.name) && visible(trail, call, false);
  return { json: { trailList: world.trails.filter(asked).map(shownTrail) } };
}

export function getTrail(world: CloudTrailWorld, call: Call): Reply {
  return { json: { Trail: shownTrail(trailOf(world, call, "Name")) } };
}

export function getTrailStatus(world: CloudTrailWorld, call: Call): Reply {
  const trail = trailOf(world, call, "Name");
  const when = (name: string, date: Date | undefined): Record<string, number> => (date === undefined ? {} : { [name]: date.getTime() / 1000 });
  const text = (name: string, date: Date | undefined): Record<string, string> => ({ [name]: date === undefined ? "" : `${date.toISOString().slice(0, 19)}Z` });
  return {
    json: {
      IsLogging: trail.logging,
      ...(trail.deliveryError === undefined ? {} : { LatestDeliveryError: trail.deliveryError }),
      ...when("LatestDeliveryTime", trail.delivered),
      ...when("LatestDigestDeliveryTime", trail.digested),
      ...when("StartLoggingTime", trail.started),
      ...when("StopLoggingTime", trail.stopped),
      ...text("LatestDeliveryAttemptTime", trail.delivered),
      ...text("TimeLoggingStarted", trail.started),
      ...text("TimeLoggingStopped", trail.stopped),
    },
  };
}

export function getEventSelectors(world: CloudTrailWorld, call: Call): Reply {
  const { arn, selectors } = trailOf(world, call, "TrailName");
  return {
    json: { TrailARN: arn, ...(selectors.kind === "basic" ? { EventSelectors: selectors.selectors } : { AdvancedEventSelectors: selectors.selectors }) },
  };
}

/** By name only at home; elsewhere by ARN. */
function trailOf(world: CloudTrailWorld, call: Call, member: string): Trail {
  const name = requiredText(call.params, member);
  if (name.startsWith("arn:") && !/^arn:aws:cloudtrail:[a-z0-9-]+:\d{12}:trail\/.+$/.test(name))
    throw new AwsRefusal("CloudTrailARNInvalidException", `Invalid trail ARN: ${name}`);
  const trail = world.trails.find((one) => (one.arn === name ? visible(one, call, true) : one.name === name && visible(one, call, false)));
  if (trail === undefined) throw new AwsRefusal("TrailNotFoundException", `Unknown trail: ${name} for the user: ${call.account}`);
  return trail;
}

function shownTrail(trail: Trail): unknown {
  return {
    Name: trail.name,
    S3BucketName: trail.bucket,
    ...(trail.prefix === undefined ? {} : { S3KeyPrefix: trail.prefix }),
    IncludeGlobalServiceEvents: trail.multiRegion,
    IsMultiRegionTrail: trail.multiRegion,
    HomeRegion: trail.region,
    TrailARN: trail.arn,
    LogFileValidationEnabled: trail.validation,
    ...(trail.logGroupArn === undefined ? {} : { CloudWatchLogsLogGroupArn: trail.logGroupArn }),
    ...(trail.kmsKeyId === undefined ? {} : { KmsKeyId: trail.kmsKeyId }),
    HasCustomEventSelectors: trail.selectors.kind === "advanced" || trail.selectors.selectors.length > 1,
    HasInsightSelectors: false,
    IsOrganizationTrail: trail.members.length > 0,
  };
}
