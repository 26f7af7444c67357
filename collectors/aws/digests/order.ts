import { HoldfastError } from "../../../src/core/error.ts";
import type { Window } from "../../../src/core/window.ts";
import type { DigestKey } from "./keys.ts";
import type { HashedLog } from "./logs.ts";

/** Where an object lies, or where a digest says that it lies. */
export type Place = { readonly bucket: string; readonly key: string };

/** One trail, one account and one region: CloudTrail keeps one chain of digests for each of these. */
export type ChainOrder = {
  /** `arn:aws:cloudtrail:HOME-REGION:ACCOUNT:trail/NAME`. */
  readonly trailArn: string;
  /** Whose digests: the trail's own account or, for an organization trail, a member's. 12 digits. */
  readonly account: string;
  /** The region that the digests were delivered from: for a trail of many regions not always its home region. */
  readonly region: string;
  readonly bucket: string;
  /** The trail's S3KeyPrefix, without a slash at its end, or null. */
  readonly prefix: string | null;
  /** `o-…` for an organization trail, else null. */
  readonly organization: string | null;
  /** By time of delivery, both ends included. */
  readonly window: Window;
  /** When the bucket was listed, RFC 3339: a digest that was not due by then is `not delivered yet`, not deleted. */
  readonly listedAt: string;
  readonly limits: ChainLimits;
};

/** Bytes after unpacking. A file that would grow beyond is not unpacked further and is `too-large`: unverifiable. */
export type ChainLimits = { readonly digestBytes: number; readonly logBytes: number };

/** A digest of 100,000 log files has some 40 MB and is held whole; a log file is only streamed. */
export const chainLimits: ChainLimits = { digestBytes: 64 << 20, logBytes: 4 * 1024 ** 3 };

export type StoredObject =
  | { readonly kind: "found"; readonly metadata: Readonly<Record<string, string>>; readonly body: AsyncIterable<Uint8Array> }
  | { readonly kind: "missing" }
  /** Could not be read, so nothing is known of it. */
  | { readonly kind: "denied"; readonly reason: string };

/**
 * What has been collected, under the places where it lay. `body` is the stored object, still packed; `metadata` are the names and
 * values of its `x-amz-meta-` headers, without that beginning and in small letters. What cannot be read at all rejects: that ends
 * the validation as a breakdown. An object outside the order's bucket and prefix may be asked for: digests can name any place.
 */
export type ChainReader = {
  /** Keys in the order's bucket below the digest prefix, in any order; those of other trails do no harm. */
  digestKeys(signal: AbortSignal): AsyncIterable<string>;
  /** Keys in the order's bucket below the log prefix, or null where they were not listed (added files are then not looked for). */
  logKeys(signal: AbortSignal): AsyncIterable<string> | null;
  digest(place: Place, signal: AbortSignal): Promise<StoredObject>;
  /**
   * Where the log was hashed while it was collected, its hash stands for it. Has to know every log that a digest of the window names, even where it was delivered before or after
   * the window.
   */
  log(place: Place, signal: AbortSignal): Promise<StoredObject | HashedLog>;
  readonly publicKeys: readonly DigestKey[];
};

/** Home region and name of a trail. */
export function parseTrailArn(trailArn: string): { readonly homeRegion: string; readonly name: string } {
  const [, homeRegion, name] = /^arn:[^:]+:cloudtrail:([a-z0-9-]+):\d{12}:trail\/([A-Za-z0-9._-]+)$/.exec(trailArn) ?? [];
  if (homeRegion === undefined || name === undefined)
    throw new HoldfastError("usage", `trailArn: ${JSON.stringify(trailArn)} is not the ARN of a trail; write arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME`);
  return { homeRegion, name };
}
