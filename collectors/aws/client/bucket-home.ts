import { codeOf, textOf } from "./trouble.ts";
import type { Request, Tried } from "./transport.ts";

/** In which Region each bucket lies, as S3 said when it was asked elsewhere: each is learned once. */
export type BucketHomes = Map<string, string>;

/** A bucket's requests go to its Region; all others where they were meant to go. */
export function atHome(homes: BucketHomes, request: Request): Request {
  const region = homes.get(bucketOf(request) ?? "");
  return region === undefined ? request : { ...request, region };
}

/**
 * S3 refuses what is signed for another Region than the bucket's and names the right one, in a header or in the error itself: 301
 * PermanentRedirect, 400 AuthorizationHeaderMalformed, and HEAD either without a code (S3 User Guide, "Request redirection").
 * The name learned, or null where the failure means something else or S3 names none.
 */
export function learnHome(homes: BucketHomes, request: Request, tried: Tried): string | null {
  const bucket = bucketOf(request);
  if (bucket === null || tried.ok || !saysElsewhere(tried.error)) return null;
  const named = tried.seen.bucketRegion ?? regionIn(tried.error);
  // It becomes part of a host's name: what is no Region's is not followed.
  if (named === null || named === request.region || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(named)) return null;
  homes.set(bucket, named);
  return named;
}

function saysElsewhere(error: unknown): boolean {
  const status = fieldOf(fieldOf(error, "$metadata"), "httpStatusCode");
  return codeOf(error) === "PermanentRedirect" || status === 301 || status === 400;
}

/** MinIO and others say it in words too, where a proxy or their version leaves out the field. */
function regionIn(error: unknown): string | null {
  const field = fieldOf(error, "Region");
  if (typeof field === "string" && field !== "") return field;
  return codeOf(error) === "AuthorizationHeaderMalformed" ? (/expecting ["'`]?([a-z0-9-]+)/.exec(textOf(error))?.[1] ?? null) : null;
}

function bucketOf({ name, input }: Request): string | null {
  const bucket = name.startsWith("s3:") ? fieldOf(input, "Bucket") : null;
  return typeof bucket === "string" ? bucket : null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
