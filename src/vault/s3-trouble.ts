import { parseRetryAfter } from "../core/backoff.ts";
import { systemCode } from "../core/error.ts";

/**
 * What a failed request means for us. By the error's code and not by its status: servers disagree about statuses (a lock that
 * is not there is 404 on AWS and 400 on others), and a `200` can carry an error.
 */
export type Trouble =
  | "throttled" // come back later
  | "unknown" // it may have happened or not: look, then decide
  | "lapsed" // credentials ran out
  | "rejected" // credentials, region or clock are wrong
  | "corrupt" // the store got other bytes than were sent
  | "taken" // If-None-Match: something has this key
  | "no-upload" // the multipart upload is gone
  | "missing" // no such object or version
  | "no-bucket"
  | "no-lock" // no retention, no hold or no lock configuration
  | "denied"
  | "other";

const byCode: Readonly<Record<string, Trouble>> = {
  SlowDown: "throttled",
  SlowDownRead: "throttled",
  SlowDownWrite: "throttled",
  ServiceUnavailable: "throttled",
  Throttling: "throttled",
  ThrottlingException: "throttled",
  TooManyRequests: "throttled",
  TooManyRequestsException: "throttled",
  RequestLimitExceeded: "throttled",
  BandwidthLimitExceeded: "throttled",
  NotImplemented: "other", // asking again will not implement it
  InternalError: "unknown",
  RequestTimeout: "unknown",
  TimeoutError: "unknown",
  AbortError: "unknown", // only our own per-request timeout: the caller's abort is looked at before
  OperationAborted: "unknown",
  ConditionalRequestConflict: "unknown",
  IncompleteBody: "unknown",
  ECONNRESET: "unknown",
  ECONNREFUSED: "unknown",
  ECONNABORTED: "unknown",
  EPIPE: "unknown",
  ETIMEDOUT: "unknown",
  EHOSTUNREACH: "unknown",
  ENETUNREACH: "unknown",
  EAI_AGAIN: "unknown",
  ERR_STREAM_PREMATURE_CLOSE: "unknown",
  HPE_INVALID_CONSTANT: "unknown",
  ExpiredToken: "lapsed",
  ExpiredTokenException: "lapsed",
  TokenRefreshRequired: "lapsed",
  InvalidToken: "lapsed",
  CredentialsProviderError: "lapsed",
  TokenProviderError: "lapsed",
  InvalidAccessKeyId: "rejected",
  SignatureDoesNotMatch: "rejected",
  AuthorizationHeaderMalformed: "rejected",
  RequestTimeTooSkewed: "rejected",
  PermanentRedirect: "rejected",
  TemporaryRedirect: "rejected",
  BadDigest: "corrupt",
  XAmzContentChecksumMismatch: "corrupt",
  XAmzContentSHA256Mismatch: "corrupt",
  PreconditionFailed: "taken",
  NoSuchUpload: "no-upload",
  NoSuchKey: "missing",
  NoSuchVersion: "missing",
  NotFound: "missing",
  NoSuchBucket: "no-bucket",
  NoSuchObjectLockConfiguration: "no-lock",
  ObjectLockConfigurationNotFoundError: "no-lock",
  AccessDenied: "denied",
  Forbidden: "denied",
  AllAccessDisabled: "denied",
};

const byStatus: Readonly<Record<number, Trouble>> = {
  301: "rejected",
  307: "rejected",
  403: "denied",
  404: "missing",
  408: "unknown",
  412: "taken",
  429: "throttled",
  501: "other",
  503: "throttled",
};

export function troubleOf(error: unknown): Trouble {
  const known = byCode[codeOf(error)];
  if (known !== undefined) return known;
  if (/object lock configuration/i.test(messageOf(error)) && /missing|not exist|not found/i.test(messageOf(error))) return "no-lock";
  if (/region is missing/i.test(messageOf(error))) return "rejected";
  const status = statusOf(error);
  if (status === null) return error instanceof Error && (error.name === "Error" || error.name === "SyntaxError") ? "unknown" : "other";
  // An answer that is a success by its status and could not be understood says nothing about what happened.
  return byStatus[status] ?? (status >= 500 || status < 400 ? "unknown" : "other");
}

/** The code of the service's error, or of the system's. */
export function codeOf(error: unknown): string {
  const system = systemCode(error);
  if (system !== undefined && byCode[system] !== undefined) return system;
  return error instanceof Error ? error.name : String(error);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function statusOf(error: unknown): number | null {
  const metadata = fieldOf(error, "$metadata");
  const status = fieldOf(metadata, "httpStatusCode");
  return typeof status === "number" ? status : null;
}

/** How long the server asked us to wait, in milliseconds, or null. RFC 9110 §10.2.3: seconds or a date. */
export function retryAfterMs(error: unknown, now: Date): number | null {
  const value = fieldOf(fieldOf(fieldOf(error, "$response"), "headers"), "retry-after");
  return typeof value === "string" ? parseRetryAfter(value, now) : null;
}

/** Object Lock's refusal, as each server words it (test/clouds/LIES.md). */
export function isLockRefusal(error: unknown): boolean {
  return codeOf(error) === "AccessDenied" || (codeOf(error) === "InvalidRequest" && /WORM|object lock|retention/i.test(messageOf(error)));
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
