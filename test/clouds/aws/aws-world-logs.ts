import { born, victimPlace, worldNames } from "./aws-world-names.ts";
import { antiForensics, type CloudTrailWorld, cloudTrailWorld, type TrailEvent, trailEvent } from "./cloudtrail-world.ts";
import type { PlantedNetwork } from "./ec2-network-planted.ts";
import { balancerLogObjects, flowLogObjects, serverAccessLogObjects } from "./log-objects.ts";
import { listedGroup, type LogEvent, type LogsWorld, logsWorld } from "./logs-world.ts";
import type { Planted } from "./planted.ts";
import { buildTrail, type TrailBucket } from "./trail-bucket.ts";

export type WorldLogs = {
  readonly logs: LogsWorld;
  readonly cloudtrail: CloudTrailWorld;
  readonly trail: TrailBucket;
  /** What lies in each bucket. The trail's are those of `trail.objects` when they are planted, so that a test may damage them before. */
  readonly objects: () => ReadonlyMap<string, readonly Planted[]>;
  /** The hours that there are logs of: whole ones. */
  readonly from: Date;
  readonly until: Date;
};

const hour = 3_600_000;
const minute = 60_000;

export type LogOptions = {
  readonly now: Date;
  readonly hours: number /** An attacker switches logging off, an hour before the end. */;
  readonly tampered: boolean;
};

/** Logs of the last whole hours: trail with digests, flow logs in S3 and CloudWatch, an application's, a bucket's, a balancer's. */
export function plantLogs({ now, hours, tampered }: LogOptions, network: PlantedNetwork): WorldLogs {
  const { account, region, buckets } = worldNames;
  const until = new Date(Math.floor(now.getTime() / hour) * hour);
  const from = new Date(until.getTime() - hours * hour);
  const events = trailEvents(from, until, tampered);
  const trail = buildTrail({ account, region, trail: worldNames.trail, bucket: buckets.trail, from, hours, logsAnHour: 2, events });
  const cloudtrail = cloudTrailWorld();
  cloudtrail.events.push(...events);
  cloudtrail.publicKeys.push(trail.publicKey);
  cloudtrail.trails.push({
    ...victimPlace,
    name: worldNames.trail,
    arn: `arn:aws:cloudtrail:${region}:${account}:trail/${worldNames.trail}`,
    multiRegion: true,
    members: [],
    bucket: buckets.trail,
    validation: true,
    selectors: { kind: "basic", selectors: [{ ReadWriteType: "All", IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: [] }] },
    logging: !tampered,
    started: born,
    ...(tampered ? { stopped: new Date(until.getTime() - hour) } : {}),
    delivered: until,
    digested: until,
  });
  const place = { account, region, from, hours, seed: "world" };
  const flow = { ...place, prefix: "vpc", interfaceId: network.interfaces[0].id };
  const objects = (): ReadonlyMap<string, readonly Planted[]> =>
    new Map([
      [buckets.trail, [...trail.objects.values()]],
      [
        buckets.flow,
        [
          ...flowLogObjects({ ...flow, flowLogId: network.flowLogs.subnet, format: "plain-text", hiveCompatible: false, perHour: false }),
          ...flowLogObjects({ ...flow, flowLogId: network.flowLogs.vpc, format: "parquet", hiveCompatible: true, perHour: true }),
        ],
      ],
      [buckets.access, serverAccessLogObjects({ ...place, prefix: "web/", bucket: "web-data" })],
      [buckets.balancer, balancerLogObjects({ ...place, prefix: "web", balancer: "web/0123456789abcdef" })],
    ]);
  return { logs: groups(from, until, network), cloudtrail, trail, objects, from, until };
}

function trailEvents(from: Date, until: Date, tampered: boolean): readonly TrailEvent[] {
  const { account, region, instance, trail, buckets } = worldNames;
  const source = "ec2.amazonaws.com";
  const resources = [{ type: "AWS::EC2::Instance", name: instance }];
  const every = Array.from({ length: (until.getTime() - from.getTime()) / (10 * minute) }, (_, i) =>
    trailEvent({ account, region, source, name: "DescribeInstances", time: new Date(from.getTime() + i * 10 * minute), user: "alice" }),
  );
  const entered = trailEvent({
    account,
    region,
    source,
    name: "ModifyInstanceAttribute",
    time: new Date(from.getTime() + 15 * minute),
    resources,
    request: { instanceId: instance, userData: "<sensitiveDataRemoved>" },
  });
  const hidden = tampered ? antiForensics(account, region, new Date(until.getTime() - hour), { trail, bucket: buckets.trail }) : [];
  return [...every, entered, ...hidden];
}

function groups(from: Date, until: Date, network: PlantedNetwork): LogsWorld {
  const made = (stream: string, everyMs: number, message: (at: Date, i: number) => string): readonly LogEvent[] =>
    Array.from({ length: Math.floor((until.getTime() - from.getTime()) / everyMs) }, (_, i) => {
      const time = from.getTime() + i * everyMs;
      return { stream, time, message: message(new Date(time), i) };
    });
  const flow = network.interfaces.flatMap(({ id, privateAddresses }) =>
    made(`${id}-all`, minute, (at, i) => {
      const start = Math.floor(at.getTime() / 1000);
      return `2 ${worldNames.account} ${id} ${privateAddresses[0]} 198.51.100.7 ${40_000 + i} 443 6 10 ${5000 + i} ${start} ${start + 60} ACCEPT OK`;
    }),
  );
  const application = made("web-1", 5 * minute, (at, i) => `${at.toISOString()} GET /admin?${i} 200`);
  const named = (name: string) => ({ ...victimPlace, name, created: born });
  return logsWorld([listedGroup(named(worldNames.flowGroup), flow), listedGroup(named(worldNames.applicationGroup), application)]);
}
