import { withoutPresigning } from "./s3-fake-presigned.ts";

/**
 * S3's operations as they look on the wire: which verb, which place, which query, which x-amz- headers. What does not stand
 * here is not guessed at: the fake answers 501 and records it.
 */
export type OperationShape = {
  readonly verb: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly on: "service" | "bucket" | "object";
  /** Query names that must be there. */
  readonly with: readonly string[];
  readonly may: readonly string[];
  /** x-amz- headers allowed beyond the ones every request may carry. A trailing * allows a prefix. */
  readonly amz: readonly string[];
};

export const operationNames = [
  "ListBuckets",
  "CreateBucket",
  "DeleteBucket",
  "HeadBucket",
  "GetBucketLocation",
  "GetBucketVersioning",
  "PutBucketVersioning",
  "GetObjectLockConfiguration",
  "PutObjectLockConfiguration",
  "GetBucketPolicy",
  "GetBucketLifecycleConfiguration",
  "GetBucketLogging",
  "ListObjectVersions",
  "ListObjectsV2",
  "ListMultipartUploads",
  "DeleteObjects",
  "PutObject",
  "GetObject",
  "HeadObject",
  "DeleteObject",
  "GetObjectAttributes",
  "GetObjectRetention",
  "PutObjectRetention",
  "GetObjectLegalHold",
  "PutObjectLegalHold",
  "CreateMultipartUpload",
  "UploadPart",
  "ListParts",
  "CompleteMultipartUpload",
  "AbortMultipartUpload",
] as const;
export type OperationName = (typeof operationNames)[number];

const lock = ["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold"];
const sums = [
  "x-amz-checksum-sha256",
  "x-amz-checksum-sha1",
  "x-amz-checksum-crc32",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-trailer",
  "x-amz-decoded-content-length",
];
const stored = [
  "x-amz-meta-*",
  "x-amz-storage-class",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-tagging",
  "x-amz-acl",
];

export const operations: Readonly<Record<OperationName, OperationShape>> = {
  ListBuckets: { verb: "GET", on: "service", with: [], may: [], amz: [] },
  CreateBucket: { verb: "PUT", on: "bucket", with: [], may: [], amz: ["x-amz-bucket-object-lock-enabled", ...sums] },
  DeleteBucket: { verb: "DELETE", on: "bucket", with: [], may: [], amz: [] },
  HeadBucket: { verb: "HEAD", on: "bucket", with: [], may: [], amz: [] },
  GetBucketLocation: { verb: "GET", on: "bucket", with: ["location"], may: [], amz: [] },
  GetBucketVersioning: { verb: "GET", on: "bucket", with: ["versioning"], may: [], amz: [] },
  PutBucketVersioning: { verb: "PUT", on: "bucket", with: ["versioning"], may: [], amz: sums },
  GetObjectLockConfiguration: { verb: "GET", on: "bucket", with: ["object-lock"], may: [], amz: [] },
  PutObjectLockConfiguration: { verb: "PUT", on: "bucket", with: ["object-lock"], may: [], amz: sums },
  GetBucketPolicy: { verb: "GET", on: "bucket", with: ["policy"], may: [], amz: [] },
  GetBucketLifecycleConfiguration: { verb: "GET", on: "bucket", with: ["lifecycle"], may: [], amz: [] },
  GetBucketLogging: { verb: "GET", on: "bucket", with: ["logging"], may: [], amz: [] },
  ListObjectVersions: {
    verb: "GET",
    on: "bucket",
    with: ["versions"],
    may: ["prefix", "key-marker", "version-id-marker", "max-keys", "encoding-type"],
    amz: [],
  },
  ListObjectsV2: {
    verb: "GET",
    on: "bucket",
    with: ["list-type"],
    may: ["prefix", "delimiter", "continuation-token", "start-after", "max-keys", "encoding-type"],
    amz: [],
  },
  ListMultipartUploads: {
    verb: "GET",
    on: "bucket",
    with: ["uploads"],
    may: ["prefix", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"],
    amz: [],
  },
  DeleteObjects: { verb: "POST", on: "bucket", with: ["delete"], may: [], amz: ["x-amz-bypass-governance-retention", ...sums] },
  PutObject: { verb: "PUT", on: "object", with: [], may: [], amz: [...lock, ...sums, ...stored] },
  GetObject: { verb: "GET", on: "object", with: [], may: ["versionId"], amz: ["x-amz-checksum-mode"] },
  HeadObject: { verb: "HEAD", on: "object", with: [], may: ["versionId", "partNumber"], amz: ["x-amz-checksum-mode"] },
  DeleteObject: { verb: "DELETE", on: "object", with: [], may: ["versionId"], amz: ["x-amz-bypass-governance-retention"] },
  GetObjectAttributes: {
    verb: "GET",
    on: "object",
    with: ["attributes"],
    may: ["versionId"],
    amz: ["x-amz-object-attributes", "x-amz-max-parts", "x-amz-part-number-marker"],
  },
  GetObjectRetention: { verb: "GET", on: "object", with: ["retention"], may: ["versionId"], amz: [] },
  PutObjectRetention: { verb: "PUT", on: "object", with: ["retention"], may: ["versionId"], amz: ["x-amz-bypass-governance-retention", ...sums] },
  GetObjectLegalHold: { verb: "GET", on: "object", with: ["legal-hold"], may: ["versionId"], amz: [] },
  PutObjectLegalHold: { verb: "PUT", on: "object", with: ["legal-hold"], may: ["versionId"], amz: sums },
  CreateMultipartUpload: {
    verb: "POST",
    on: "object",
    with: ["uploads"],
    may: [],
    amz: ["x-amz-checksum-algorithm", "x-amz-checksum-type", ...lock, ...stored],
  },
  UploadPart: { verb: "PUT", on: "object", with: ["partNumber", "uploadId"], may: [], amz: sums },
  ListParts: { verb: "GET", on: "object", with: ["uploadId"], may: ["max-parts", "part-number-marker"], amz: [] },
  CompleteMultipartUpload: {
    verb: "POST",
    on: "object",
    with: ["uploadId"],
    may: [],
    amz: ["x-amz-checksum-sha256", "x-amz-checksum-sha1", "x-amz-checksum-crc32", "x-amz-checksum-type", "x-amz-mp-object-size"],
  },
  AbortMultipartUpload: { verb: "DELETE", on: "object", with: ["uploadId"], may: [], amz: [] },
};

const everywhere = ["x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent", "x-amz-expected-bucket-owner"];

export type Recognized = { readonly operation: OperationName; readonly bucket: string; readonly key: string };

/** Which operation a request is, or the sentence that says why it is none. Path style only. */
export function recognize(method: string, url: URL): Recognized | string {
  const [bucket = "", ...rest] = url.pathname.slice(1).split("/");
  const key = rest.map((segment) => decodeURIComponent(segment)).join("/");
  const on = bucket === "" ? "service" : key === "" ? "bucket" : "object";
  const names = new Set([...withoutPresigning(url.searchParams).keys()].filter((name) => name !== "x-id"));
  let best: OperationName | null = null;
  for (const name of operationNames) {
    const shape = operations[name];
    if (shape.verb !== method || shape.on !== on || !shape.with.every((q) => names.has(q))) continue;
    if (best === null || shape.with.length > operations[best].with.length) best = name;
  }
  if (best === null) return `${method} on ${on} is no operation`;
  const shape = operations[best];
  for (const name of names) if (!shape.with.includes(name) && !shape.may.includes(name)) return `${best} with query ${name}`;
  const id = url.searchParams.get("x-id");
  if (id !== null && id !== best) return `the query says ${id} and the request is ${best}`;
  return { operation: best, bucket: decodeURIComponent(bucket), key };
}

/** The first x-amz- header that this operation does not have, or null. */
export function strangeHeader(operation: OperationName, names: Iterable<string>): string | null {
  const shape = operations[operation];
  for (const name of names) {
    if (!name.startsWith("x-amz-") || everywhere.includes(name)) continue;
    if (!shape.amz.some((a) => (a.endsWith("*") ? name.startsWith(a.slice(0, -1)) : a === name))) return name;
  }
  return null;
}
