import type { Trail } from "../../clouds/aws/cloudtrail-world.ts";
import type { TrailOptions } from "../../clouds/aws/trail-bucket.ts";

/** The trail that fills such a bucket; it logs and validates, and leaves nothing out. */
export function trailOf(options: TrailOptions, more: Partial<Trail> = {}): Trail {
  const { account, trail, bucket, prefix } = options;
  const region = more.region ?? options.region;
  return {
    name: trail,
    arn: `arn:aws:cloudtrail:${region}:${account}:trail/${trail}`,
    account,
    region,
    multiRegion: false,
    members: [],
    bucket,
    ...(prefix === undefined ? {} : { prefix }),
    validation: true,
    selectors: { kind: "basic", selectors: [{ ReadWriteType: "All", IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: [] }] },
    logging: true,
    started: new Date("2026-11-01T00:00:00.000Z"),
    ...more,
  };
}
