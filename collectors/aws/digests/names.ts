import { parseTrailArn } from "./order.ts";
import type { ChainOrder } from "./order.ts";

/** CloudTrail writes times without a fraction, in the extended form inside files and in the basic form inside names. */
const extended = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Milliseconds since 1970 of a time as CloudTrail writes it, or null. */
export function parseCloudTrailTime(text: string): number | null {
  if (!extended.test(text)) return null;
  const ms = Date.parse(text);
  // Date.parse takes February 30 for March 2.
  return Number.isNaN(ms) || new Date(ms).toISOString() !== text.replace("Z", ".000Z") ? null : ms;
}

/** Inverse of `parseCloudTrailTime`. */
export function cloudTrailTime(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

export type DigestName = {
  /** What stands before `AWSLogs/`: the trail's prefix with a slash, or nothing. */
  readonly before: string;
  /** The end of the digest's hour, ms since 1970, as its name says. */
  readonly endMs: number;
  readonly backfill: boolean;
};

/**
 * Reads the key of a digest (user guide, "CloudTrail digest file structure"). Null unless it is one of the order's trail, account,
 * region and organization: names of other trails lie side by side with these, and one may begin like another.
 */
export function parseDigestKey(order: ChainOrder, key: string): DigestName | null {
  const slash = key.lastIndexOf("/");
  const { homeRegion, name } = parseTrailArn(order.trailArn);
  const named = `${order.account}_CloudTrail-Digest_${order.region}_${name}_${homeRegion}_`;
  const file = key.slice(slash + 1);
  if (!file.startsWith(named)) return null;
  const [, date, hour, minute, second, backfill] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z(_backfill)?\.json\.gz$/.exec(file.slice(named.length)) ?? [];
  const folder = /^(.*)\/\d{4}\/\d\d\/\d\d$/s.exec(key.slice(0, Math.max(slash, 0)))?.[1];
  const rest = `AWSLogs/${order.organization === null ? "" : `${order.organization}/`}${order.account}/CloudTrail-Digest/${order.region}`;
  if (date === undefined || folder === undefined || !folder.endsWith(rest)) return null;
  const before = folder.slice(0, -rest.length);
  if (before !== "" && !before.endsWith("/")) return null;
  const endMs = parseCloudTrailTime(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${hour}:${minute}:${second}Z`);
  return endMs === null ? null : { before, endMs, backfill: backfill !== undefined };
}

/** The minute in the name of a log file, ms since 1970, or null where the name is not one that CloudTrail gives. */
export function parseLogKeyTime(key: string): number | null {
  const [, date, hour, minute] = /_(\d{8})T(\d\d)(\d\d)Z_[A-Za-z0-9]+\.json\.gz$/.exec(key) ?? [];
  return date === undefined ? null : parseCloudTrailTime(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${hour}:${minute}:00Z`);
}
