import { accessDenied, invalidArgument, invalidRequest, malformedXml, type S3Error } from "./s3-fake-error.ts";
import type { FakeBucket, FakeRetention, FakeVersion, LockModeName } from "./s3-fake-state.ts";

/** The rules of Object Lock (facts/aws §7.6): pure decisions over one version and the time. */
export function mayDelete(version: FakeVersion, bypass: boolean, now: Date): void {
  if (version.hold === true) throw lockRefusal();
  const kept = version.retention;
  if (kept === null || kept.until.getTime() <= now.getTime()) return;
  if (kept.mode === "GOVERNANCE" && bypass) return;
  throw lockRefusal();
}

export function mayRetain(version: FakeVersion, asked: FakeRetention | null, bypass: boolean, now: Date): void {
  const kept = version.retention;
  if (kept === null || kept.until.getTime() <= now.getTime()) return;
  const longer = asked !== null && asked.until.getTime() >= kept.until.getTime();
  if (longer && (asked.mode === kept.mode || asked.mode === "COMPLIANCE")) return;
  if (kept.mode === "GOVERNANCE" && bypass) return;
  throw lockRefusal();
}

function lockRefusal(): S3Error {
  return accessDenied("Access Denied because object protected by object lock.");
}

export function parseMode(text: string): LockModeName {
  if (text === "COMPLIANCE" || text === "GOVERNANCE") return text;
  throw invalidArgument("Unknown wormMode directive.", "x-amz-object-lock-mode", text);
}

export function parseUntil(text: string, now: Date, fromXml: boolean): Date {
  const until = new Date(text);
  const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  if (!shape || Number.isNaN(until.getTime())) {
    if (fromXml) throw malformedXml();
    throw invalidArgument("The retain until date must be provided in ISO 8601 format", "x-amz-object-lock-retain-until-date", text);
  }
  if (until.getTime() <= now.getTime())
    throw invalidArgument("The retain until date must be in the future!", fromXml ? "RetainUntilDate" : "x-amz-object-lock-retain-until-date", text);
  return until;
}

export type AskedLock = { readonly retention: FakeRetention | null; readonly hold: boolean | null; readonly explicit: boolean };

/** Reads the lock headers of a write and fills in the bucket's default retention. */
export function lockOfHeaders(bucket: FakeBucket, header: (name: string) => string | null, now: Date): AskedLock {
  const mode = header("x-amz-object-lock-mode");
  const until = header("x-amz-object-lock-retain-until-date");
  const hold = header("x-amz-object-lock-legal-hold");
  const explicit = mode !== null || until !== null || hold !== null;
  if (explicit && !bucket.objectLock) throw invalidRequest("Bucket is missing Object Lock Configuration");
  if ((mode === null) !== (until === null))
    throw invalidArgument(
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
      mode === null ? "x-amz-object-lock-mode" : "x-amz-object-lock-retain-until-date",
      "",
    );
  if (hold !== null && hold !== "ON" && hold !== "OFF")
    throw invalidArgument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold);
  const retention = mode !== null && until !== null ? { mode: parseMode(mode), until: parseUntil(until, now, false) } : defaultRetention(bucket, now);
  return { retention, hold: hold === null ? null : hold === "ON", explicit };
}

export function defaultRetention(bucket: FakeBucket, now: Date): FakeRetention | null {
  if (!bucket.objectLock || bucket.rule === null) return null;
  const until = new Date(now);
  if (bucket.rule.days !== null) until.setUTCDate(until.getUTCDate() + bucket.rule.days);
  if (bucket.rule.years !== null) until.setUTCFullYear(until.getUTCFullYear() + bucket.rule.years);
  return { mode: bucket.rule.mode, until };
}
