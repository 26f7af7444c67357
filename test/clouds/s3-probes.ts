import { createHash } from "node:crypto";
import {
  CompleteMultipartUploadCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteObjectCommand, DeleteObjectsCommand,
  GetBucketVersioningCommand, GetObjectAttributesCommand, GetObjectCommand, GetObjectLegalHoldCommand, GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand, HeadBucketCommand, HeadObjectCommand, ListPartsCommand, PutBucketVersioningCommand, PutObjectCommand,
  type PutObjectCommandInput, PutObjectLegalHoldCommand, PutObjectRetentionCommand, type S3Client, S3ServiceException, UploadPartCommand,
} from "@aws-sdk/client-s3";

/**
 * One question to an S3 server, its answer as a line, and the answer of each server that is known to differ from AWS's
 * (facts/stand-ins §4). The fake is held to AWS's column.
 */
export type Subject = "aws" | "minio" | "versitygw";
export type Probe = {
  readonly name: string;
  readonly ask: (store: ProbeStore) => Promise<string>;
  readonly aws: string;
  readonly minio?: string;
  /** A pattern where its answer is not always the same. */
  readonly versitygw?: string | RegExp;
};

/** A bucket with Object Lock of its own, and the SDK that speaks to it. */
export type ProbeStore = { readonly s3: S3Client; readonly plain: S3Client; readonly Bucket: string };

export async function probeStore(s3: S3Client, plain: S3Client, Bucket: string): Promise<ProbeStore> {
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  return { s3, plain, Bucket };
}

const sha = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("base64");
const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 1000) * 1000 + days * 86_400_000);
const inSeconds = (seconds: number): Date => new Date(Math.ceil(Date.now() / 1000) * 1000 + seconds * 1000);
const until = inDays(3);
const compliance = { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: until } as const;
const governance = { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: until } as const;
const big = 5 << 20;

export async function verdict(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "accepted";
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}

let serial = 0;
const fresh = (): string => `probe-${++serial}`;

async function put({ s3, Bucket }: ProbeStore, Key: string, more: Partial<PutObjectCommandInput> = {}): Promise<{ Bucket: string; Key: string; VersionId: string | undefined }> {
  const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: "one", ChecksumSHA256: sha("one"), ...more }));
  return { Bucket, Key, VersionId };
}

const retain = (store: ProbeStore, at: object, Mode: "COMPLIANCE" | "GOVERNANCE", date: Date, bypass: boolean = false): Promise<string> =>
  verdict(store.s3.send(new PutObjectRetentionCommand({ Bucket: store.Bucket, Key: "", ...at, Retention: { Mode, RetainUntilDate: date }, BypassGovernanceRetention: bypass })));

type Begun = { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined; readonly Parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256: string | undefined }[] };
const bodies = [Buffer.alloc(big, 1), Buffer.from("tail")];
const composite = sha(Buffer.concat(bodies.map((b) => createHash("sha256").update(b).digest())));

async function begin({ s3, Bucket }: ProbeStore): Promise<Begun> {
  const Key = fresh();
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: "SHA256", ChecksumType: "COMPOSITE", ...compliance, ObjectLockLegalHoldStatus: "ON" }));
  const Parts = await Promise.all(bodies.map(async (Body, i) => {
    const answer = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: i + 1, Body, ChecksumSHA256: sha(Body) }));
    return { PartNumber: i + 1, ETag: answer.ETag, ChecksumSHA256: answer.ChecksumSHA256 };
  }));
  return { Bucket, Key, UploadId, Parts };
}
const complete = ({ s3 }: ProbeStore, { Bucket, Key, UploadId, Parts }: Begun, more: object = {}): Promise<string> =>
  verdict(s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more })));

const lockSeen = async ({ s3 }: ProbeStore, at: { Bucket: string; Key: string; VersionId: string | undefined }): Promise<string> => {
  const head = await s3.send(new HeadObjectCommand(at));
  return [head.ObjectLockMode, head.ObjectLockRetainUntilDate?.getTime() === until.getTime(), head.ObjectLockLegalHoldStatus].join(" ");
};

export const probes: readonly Probe[] = [
  { name: "versioning and lock configuration are readable", aws: "Enabled Enabled", ask: async ({ s3, Bucket }) => {
    const versioning = await s3.send(new GetBucketVersioningCommand({ Bucket }));
    const lock = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
    return `${versioning.Status} ${lock.ObjectLockConfiguration?.ObjectLockEnabled}`;
  } },
  { name: "versioning cannot be suspended", aws: "409 InvalidBucketState", minio: "400 InvalidBucketState", versitygw: "400 InvalidBucketState", ask: ({ s3, Bucket }) =>
    verdict(s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } }))) },
  { name: "HEAD of a locked version shows mode, date and hold", aws: "COMPLIANCE true ON", ask: async (store) =>
    lockSeen(store, await put(store, fresh(), { ...compliance, ObjectLockLegalHoldStatus: "ON" })) },
  { name: "… also when it is no longer current", aws: "COMPLIANCE true ON", versitygw: " false ", ask: async (store) => {
    const at = await put(store, fresh(), { ...compliance, ObjectLockLegalHoldStatus: "ON" });
    await put(store, at.Key);
    return lockSeen(store, at);
  } },
  { name: "GET shows the lock", aws: "COMPLIANCE", versitygw: "undefined", ask: async (store) =>
    String((await store.s3.send(new GetObjectCommand(await put(store, fresh(), compliance)))).ObjectLockMode) },
  { name: "retention and hold are readable by version, noncurrent too", aws: "COMPLIANCE true ON", ask: async (store) => {
    const at = await put(store, fresh(), { ...compliance, ObjectLockLegalHoldStatus: "ON" });
    await put(store, at.Key);
    const { Retention } = await store.s3.send(new GetObjectRetentionCommand(at));
    const { LegalHold } = await store.s3.send(new GetObjectLegalHoldCommand(at));
    return [Retention?.Mode, Retention?.RetainUntilDate?.getTime() === until.getTime(), LegalHold?.Status].join(" ");
  } },
  { name: "retention of an unlocked object", aws: "404 NoSuchObjectLockConfiguration", minio: "400 NoSuchObjectLockConfiguration", versitygw: "400 NoSuchObjectLockConfiguration",
    ask: async (store) => verdict(store.s3.send(new GetObjectRetentionCommand(await put(store, fresh())))) },
  { name: "DELETE of a COMPLIANCE version", aws: "403 AccessDenied", minio: "400 InvalidRequest", ask: async (store) =>
    verdict(store.s3.send(new DeleteObjectCommand(await put(store, fresh(), compliance)))) },
  { name: "… with the bypass header", aws: "403 AccessDenied", minio: "400 InvalidRequest", ask: async (store) =>
    verdict(store.s3.send(new DeleteObjectCommand({ ...(await put(store, fresh(), compliance)), BypassGovernanceRetention: true }))) },
  { name: "DeleteObjects answers for each key", aws: "accepted, 1 refused", versitygw: "403 AccessDenied", ask: async (store) => {
    const { Bucket, Key, VersionId } = await put(store, fresh(), compliance);
    try {
      const { Errors } = await store.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key, VersionId }] } }));
      return `accepted, ${Errors?.length ?? 0} refused`;
    } catch (error) {
      return verdict(Promise.reject(error));
    }
  } },
  { name: "DELETE without version leaves a marker and the data", aws: "true one", ask: async (store) => {
    const at = await put(store, fresh(), compliance);
    const { DeleteMarker } = await store.s3.send(new DeleteObjectCommand({ Bucket: at.Bucket, Key: at.Key }));
    return `${DeleteMarker} ${await (await store.s3.send(new GetObjectCommand(at))).Body?.transformToString()}`;
  } },
  { name: "COMPLIANCE is extended", aws: "accepted", ask: async (store) => retain(store, await put(store, fresh(), compliance), "COMPLIANCE", inDays(4)) },
  { name: "COMPLIANCE is shortened", aws: "403 AccessDenied", minio: "400 InvalidRequest", versitygw: "accepted", ask: async (store) =>
    retain(store, await put(store, fresh(), compliance), "COMPLIANCE", inDays(1)) },
  { name: "COMPLIANCE becomes GOVERNANCE", aws: "403 AccessDenied", minio: "400 InvalidRequest", ask: async (store) =>
    retain(store, await put(store, fresh(), compliance), "GOVERNANCE", inDays(4), true) },
  { name: "GOVERNANCE deleted without the header", aws: "403 AccessDenied", minio: "400 InvalidRequest", ask: async (store) =>
    verdict(store.s3.send(new DeleteObjectCommand(await put(store, fresh(), governance)))) },
  { name: "GOVERNANCE deleted by the owner with the header", aws: "accepted", versitygw: "403 AccessDenied", ask: async (store) =>
    verdict(store.s3.send(new DeleteObjectCommand({ ...(await put(store, fresh(), governance)), BypassGovernanceRetention: true }))) },
  { name: "GOVERNANCE shortened without the header", aws: "403 AccessDenied", minio: "400 InvalidRequest", versitygw: "accepted", ask: async (store) =>
    retain(store, await put(store, fresh(), governance), "GOVERNANCE", inDays(1)) },
  { name: "a held version deleted", aws: "403 AccessDenied", minio: "400 InvalidRequest", ask: async (store) =>
    verdict(store.s3.send(new DeleteObjectCommand(await put(store, fresh(), { ObjectLockLegalHoldStatus: "ON" })))) },
  { name: "a hold after its retention has expired, deleted", aws: "403 AccessDenied", minio: "400 InvalidRequest", versitygw: "accepted", ask: async (store) => {
    const at = await put(store, fresh(), { ...compliance, ObjectLockRetainUntilDate: inSeconds(2), ObjectLockLegalHoldStatus: "ON" });
    await new Promise((resolve) => setTimeout(resolve, 4000));
    return verdict(store.s3.send(new DeleteObjectCommand(at)));
  } },
  { name: "an expired retention lets go", aws: "accepted", ask: async (store) => {
    const at = await put(store, fresh(), { ...compliance, ObjectLockRetainUntilDate: inSeconds(2) });
    await new Promise((resolve) => setTimeout(resolve, 4000));
    return verdict(store.s3.send(new DeleteObjectCommand(at)));
  } },
  { name: "a hold is set and cleared by version", aws: "OFF", ask: async (store) => {
    const at = await put(store, fresh());
    for (const Status of ["ON", "OFF"] as const) await store.s3.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status } }));
    return String((await store.s3.send(new GetObjectLegalHoldCommand(at))).LegalHold?.Status);
  } },
  { name: "a past date", aws: "400 InvalidArgument", minio: "400 InvalidRequest", ask: (store) =>
    verdict(put(store, fresh(), { ...compliance, ObjectLockRetainUntilDate: new Date("2020-01-01T00:00:00Z") })) },
  { name: "a mode without a date", aws: "400 InvalidArgument", minio: "400 InvalidRequest", ask: (store) =>
    verdict(put(store, fresh(), { ObjectLockMode: "COMPLIANCE" })) },
  { name: "a wrong SHA-256", aws: "400 BadDigest", minio: "400 XAmzContentChecksumMismatch", ask: (store) =>
    verdict(put(store, fresh(), { ChecksumSHA256: sha("two") })) },
  { name: "a locked PUT without any checksum", aws: "400 InvalidRequest", minio: "accepted", versitygw: "accepted", ask: ({ plain, Bucket }) =>
    verdict(plain.send(new PutObjectCommand({ Bucket, Key: fresh(), Body: "one", ...compliance }))) },
  { name: "If-None-Match on what exists", aws: "412 PreconditionFailed", ask: async (store) => {
    const { Key } = await put(store, fresh());
    return verdict(put(store, Key, { IfNoneMatch: "*" }));
  } },
  { name: "If-None-Match, eight at once", aws: "1", versitygw: /^[1-8]$/, ask: async (store) => {
    const Key = fresh();
    // versitygw looks and then writes: measured, 7 of 40 times more than one of the eight went through.
    const all = await Promise.all(Array.from({ length: 8 }, () => verdict(put(store, Key, { IfNoneMatch: "*" }))));
    return String(all.filter((v) => v === "accepted").length);
  } },
  { name: "If-None-Match over a delete marker", aws: "accepted", versitygw: "412 PreconditionFailed", ask: async (store) => {
    const { Bucket, Key } = await put(store, fresh());
    await store.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    return verdict(put(store, Key, { IfNoneMatch: "*" }));
  } },
  { name: "another account's number as ExpectedBucketOwner", aws: "403 AccessDenied", minio: "accepted", ask: (store) =>
    verdict(put(store, fresh(), { ExpectedBucketOwner: "999999999999" })) },
  { name: "HeadBucket of a bucket that is not there", aws: "404 NotFound", ask: ({ s3 }) => verdict(s3.send(new HeadBucketCommand({ Bucket: "no-such-bucket-here" }))) },
  { name: "a part's SHA-256, right and wrong", aws: "echo, 400 BadDigest", minio: "echo, 400 XAmzContentChecksumMismatch", ask: async (store) => {
    const { Bucket, Key, UploadId, Parts } = await begin(store);
    const wrong = await verdict(store.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 3, Body: "x", ChecksumSHA256: sha("y") })));
    return `${Parts.every((p, i) => p.ChecksumSHA256 === sha(bodies[i] ?? "")) ? "echo" : "silent"}, ${wrong}`;
  } },
  { name: "a locked part without any checksum", aws: "400 InvalidRequest", minio: "accepted", versitygw: "accepted", ask: async ({ plain, Bucket }) => {
    const Key = fresh();
    const { UploadId } = await plain.send(new CreateMultipartUploadCommand({ Bucket, Key, ...compliance }));
    return verdict(plain.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "x" })));
  } },
  { name: "ListParts shows sizes and sums", aws: "true", ask: async (store) => {
    const { Bucket, Key, UploadId } = await begin(store);
    const { Parts } = await store.s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    return String(bodies.every((b, i) => Parts?.[i]?.Size === b.length && Parts[i]?.ChecksumSHA256 === sha(b)));
  } },
  { name: "Complete with a wrong part sum", aws: "400 InvalidPart", ask: async (store) => {
    const begun = await begin(store);
    return complete(store, { ...begun, Parts: begun.Parts.map((p) => ({ ...p, ChecksumSHA256: sha("no") })) });
  } },
  { name: "Complete without part sums", aws: "400 InvalidRequest", minio: "400 InvalidPart", ask: async (store) => {
    const begun = await begin(store);
    return complete(store, { ...begun, Parts: begun.Parts.map((p) => ({ ...p, ChecksumSHA256: undefined })) });
  } },
  { name: "Complete with a wrong composite", aws: "400 BadDigest", minio: "400 XAmzContentChecksumMismatch", ask: async (store) =>
    complete(store, await begin(store), { ChecksumSHA256: sha("no"), ChecksumType: "COMPOSITE" }) },
  { name: "Complete with a wrong size", aws: "400 InvalidRequest", minio: "accepted", ask: async (store) => complete(store, await begin(store), { MpuObjectSize: 7 }) },
  { name: "HEAD after Complete: lock, hold, composite, size", aws: "COMPLIANCE true ON composite-2 5242884", ask: async (store) => {
    const begun = await begin(store);
    const { VersionId } = await store.s3.send(new CompleteMultipartUploadCommand({
      Bucket: begun.Bucket, Key: begun.Key, UploadId: begun.UploadId, MultipartUpload: { Parts: begun.Parts }, ChecksumSHA256: composite, ChecksumType: "COMPOSITE", IfNoneMatch: "*",
    }));
    const at = { Bucket: begun.Bucket, Key: begun.Key, VersionId };
    const head = await store.s3.send(new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" }));
    return `${await lockSeen(store, at)} ${head.ChecksumSHA256?.replace(composite, "composite")} ${head.ContentLength}`;
  } },
  { name: "DELETE of a version that Complete made", aws: "403 AccessDenied", minio: "400 InvalidRequest", ask: async (store) => {
    const { Bucket, Key, UploadId, Parts } = await begin(store);
    const { VersionId } = await store.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
    return verdict(store.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId })));
  } },
  { name: "one attribute after Complete", aws: "5242884", ask: async (store) => {
    const begun = await begin(store);
    await complete(store, begun);
    return String((await store.s3.send(new GetObjectAttributesCommand({ Bucket: begun.Bucket, Key: begun.Key, ObjectAttributes: ["ObjectSize"] }))).ObjectSize);
  } },
  { name: "Complete again after a lost answer", aws: "404 NoSuchUpload", versitygw: "accepted", ask: async (store) => {
    const begun = await begin(store);
    await complete(store, begun);
    return complete(store, begun);
  } },
  { name: "Complete with If-None-Match on what exists leaves the upload open", aws: "412 PreconditionFailed, open", ask: async (store) => {
    const begun = await begin(store);
    await put(store, begun.Key);
    const first = await complete(store, begun, { IfNoneMatch: "*" });
    const open = await verdict(store.s3.send(new ListPartsCommand({ Bucket: begun.Bucket, Key: begun.Key, UploadId: begun.UploadId })));
    return `${first}, ${open === "accepted" ? "open" : open}`;
  } },
];
