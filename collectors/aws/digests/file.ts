import type { Place } from "./order.ts";
import { parseCloudTrailTime } from "./names.ts";

/** A digest file (user guide, "CloudTrail digest file structure"), as far as validation needs it. */
export type Digest = {
  readonly account: string;
  /** What its hour covers, by delivery of the log files. Ms since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  /** As written: it is part of what is signed. */
  readonly endTime: string;
  /** Where it says that it lies. */
  readonly place: Place;
  readonly fingerprint: string;
  /** Null in a starting digest: the first of a trail, or the first after logging or validation were off. */
  readonly previous: DigestLink | null;
  readonly logs: readonly DigestLog[];
};

/** What a digest says of the one before it. */
export type DigestLink = { readonly place: Place; readonly sha256: string; readonly signature: string };

export type DigestLog = { readonly place: Place; readonly sha256: string };

export type ParsedDigest = { readonly kind: "digest"; readonly digest: Digest } | { readonly kind: "malformed"; readonly why: string };

/** Unpacked bytes of a digest file. They may be anybody's: nothing in them throws. */
export function parseDigestBytes(bytes: Uint8Array): ParsedDigest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return { kind: "malformed", why: "it is not JSON in UTF-8" };
  }
  return parseDigest(value);
}

export function parseDigest(value: unknown): ParsedDigest {
  const problems: string[] = [];
  const read = reader(value, "", problems);
  const startMs = parseCloudTrailTime(read.text("digestStartTime", time));
  const endTime = read.text("digestEndTime", time);
  const endMs = parseCloudTrailTime(endTime);
  if (problems.length === 0 && (startMs === null || endMs === null || startMs >= endMs)) problems.push("digestStartTime is not before digestEndTime");
  const account = read.text("awsAccountId", /^\d{12}$/);
  const place = { bucket: read.text("digestS3Bucket", bucketName), key: read.text("digestS3Object", objectKey) };
  const fingerprint = read.text("digestPublicKeyFingerprint", /^[0-9A-Za-z:+/=_-]{1,128}$/);
  read.text("digestSignatureAlgorithm", /^SHA256withRSA$/);
  const previous = readPrevious(read, problems);
  const logs = read.list("logFiles").map((log, at) => readLog(log, `logFiles[${at}].`, problems));
  const [why] = problems;
  if (why !== undefined || startMs === null || endMs === null) return { kind: "malformed", why: why ?? "its times are not times" };
  return { kind: "digest", digest: { account, startMs, endMs, endTime, place, fingerprint, previous, logs } };
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
/** No slash and no newline: either would let one signed string stand for two different places. */
const bucketName = /^[A-Za-z0-9._-]{3,255}$/;
const objectKey = /^[^\n\r]{1,1024}$/;
const sha256 = /^[0-9a-f]{64}$/;
/** At least 1024 bits, and of no odd length. */
const signature = /^(?:[0-9a-f]{2}){128,1024}$/;

const previousFields = [
  "previousDigestS3Bucket",
  "previousDigestS3Object",
  "previousDigestHashValue",
  "previousDigestHashAlgorithm",
  "previousDigestSignature",
] as const;

function readPrevious(read: Reader, problems: string[]): DigestLink | null {
  const given = previousFields.filter((field) => !read.isNull(field));
  if (given.length === 0) return null;
  // Half a link is what a forger would leave to have the chain end where it suits.
  if (given.length < previousFields.length) problems.push(`only ${given.join(", ")} of the previousDigest fields are there`);
  read.text("previousDigestHashAlgorithm", /^SHA-256$/);
  return {
    place: { bucket: read.text("previousDigestS3Bucket", bucketName), key: read.text("previousDigestS3Object", objectKey) },
    sha256: read.text("previousDigestHashValue", sha256),
    signature: read.text("previousDigestSignature", signature),
  };
}

function readLog(value: unknown, at: string, problems: string[]): DigestLog {
  const read = reader(value, at, problems);
  read.text("hashAlgorithm", /^SHA-256$/);
  return { place: { bucket: read.text("s3Bucket", bucketName), key: read.text("s3Object", objectKey) }, sha256: read.text("hashValue", sha256) };
}

type Reader = {
  text(field: string, form: RegExp): string;
  list(field: string): readonly unknown[];
  isNull(field: string): boolean;
};

function reader(value: unknown, at: string, problems: string[]): Reader {
  const fields = typeof value === "object" && value !== null && !Array.isArray(value) ? new Map<string, unknown>(Object.entries(value)) : null;
  if (fields === null) problems.push(`${at === "" ? "it" : at.slice(0, -1)} is not a JSON object`);
  return {
    text: (field, form) => {
      const found = fields?.get(field);
      if (typeof found === "string" && form.test(found)) return found;
      problems.push(`${at}${field} is ${found === undefined ? "missing" : "not of its form"}`);
      return "";
    },
    list: (field) => {
      const found: unknown = fields?.get(field);
      if (Array.isArray(found)) return found;
      problems.push(`${at}${field} is not a list`);
      return [];
    },
    isNull: (field) => (fields?.get(field) ?? null) === null,
  };
}
