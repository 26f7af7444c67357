import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type S3Fake, startS3Fake } from "./s3-fake.ts";
import { sha, verdict } from "./s3-probe.ts";

const day = 86_400_000;
let now = new Date("2026-11-24T12:00:00.000Z");
let fake: S3Fake;
let s3: S3Client;
const Bucket = "vault";
const later = (days: number): Date => new Date(now.getTime() + days * day);
const locked = (days = 30): { ObjectLockMode: "COMPLIANCE"; ObjectLockRetainUntilDate: Date } => ({
  ObjectLockMode: "COMPLIANCE",
  ObjectLockRetainUntilDate: later(days),
});

beforeEach(async () => {
  now = new Date("2026-11-24T12:00:00.000Z");
  fake = await startS3Fake({ buckets: [{ name: Bucket, objectLock: true }], clock: () => now, minPartSize: 16 });
  s3 = new S3Client({ ...fake.clientConfig, maxAttempts: 1 });
});
afterEach(async () => {
  s3.destroy();
  await fake.stop();
});

async function put(Key: string, Body: string, more: Partial<ConstructorParameters<typeof PutObjectCommand>[0]> = {}): Promise<string> {
  const answer = await s3.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumSHA256: sha(Body), ...more }));
  return answer.VersionId ?? "";
}

describe("locks", () => {
  test("a locked version gives back mode, date, hold, sum and size by its id, also when it is no longer current", async () => {
    const first = await put("a", "one", { ...locked(), ObjectLockLegalHoldStatus: "ON" });
    const second = await put("a", "two!", locked(5));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "a", VersionId: first, ChecksumMode: "ENABLED" }));
    expect([
      head.ObjectLockMode,
      head.ObjectLockRetainUntilDate,
      head.ObjectLockLegalHoldStatus,
      head.ChecksumSHA256,
      head.ContentLength,
      head.ChecksumType,
    ]).toEqual(["COMPLIANCE", later(30), "ON", sha("one"), 3, "FULL_OBJECT"]);
    const kept = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: "a", VersionId: second }));
    expect(kept.Retention).toEqual({ Mode: "COMPLIANCE", RetainUntilDate: later(5) });
    const hold = await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key: "a", VersionId: first }));
    expect(hold.LegalHold).toEqual({ Status: "ON" });
    expect(await verdict(s3.send(new GetObjectLegalHoldCommand({ Bucket, Key: "a", VersionId: second })))).toBe("404 NoSuchObjectLockConfiguration");
    expect(fake.violations).toEqual([]);
  });

  test("COMPLIANCE: no delete, no shortening, no other mode, not even with the bypass header; extension is taken", async () => {
    const VersionId = await put("a", "one", locked());
    const at = { Bucket, Key: "a", VersionId };
    const retain = (Mode: "COMPLIANCE" | "GOVERNANCE", days: number): Promise<unknown> =>
      s3.send(new PutObjectRetentionCommand({ ...at, BypassGovernanceRetention: true, Retention: { Mode, RetainUntilDate: later(days) } }));
    expect(await verdict(s3.send(new DeleteObjectCommand({ ...at, BypassGovernanceRetention: true })))).toBe("403 AccessDenied");
    expect(await verdict(retain("COMPLIANCE", 29))).toBe("403 AccessDenied");
    expect(await verdict(retain("GOVERNANCE", 40))).toBe("403 AccessDenied");
    expect(await verdict(s3.send(new PutObjectRetentionCommand({ ...at, Retention: {} })))).toBe("403 AccessDenied");
    expect(await verdict(retain("COMPLIANCE", 31))).toBe("accepted");
    now = later(32);
    expect(await verdict(s3.send(new DeleteObjectCommand(at)))).toBe("accepted");
    expect(fake.violations).toEqual([]);
  });

  test("GOVERNANCE yields to the bypass header where the right is there, and to nothing else", async () => {
    const VersionId = await put("a", "one", { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: later(3) });
    const at = { Bucket, Key: "a", VersionId };
    expect(await verdict(s3.send(new DeleteObjectCommand(at)))).toBe("403 AccessDenied");
    fake.denied.add("BypassGovernanceRetention");
    expect(await verdict(s3.send(new DeleteObjectCommand({ ...at, BypassGovernanceRetention: true })))).toBe("403 AccessDenied");
    fake.denied.clear();
    expect(await verdict(s3.send(new DeleteObjectCommand({ ...at, BypassGovernanceRetention: true })))).toBe("accepted");
  });

  test("a hold outlives an expired retention", async () => {
    const VersionId = await put("a", "one", { ...locked(1), ObjectLockLegalHoldStatus: "ON" });
    now = later(2);
    expect(await verdict(s3.send(new DeleteObjectCommand({ Bucket, Key: "a", VersionId })))).toBe("403 AccessDenied");
    await s3.send(new PutObjectLegalHoldCommand({ Bucket, Key: "a", VersionId, LegalHold: { Status: "OFF" } }));
    expect(await verdict(s3.send(new DeleteObjectCommand({ Bucket, Key: "a", VersionId })))).toBe("accepted");
  });

  test("a delete without version looks like success and keeps the data", async () => {
    const VersionId = await put("a", "one", locked());
    const answer = await s3.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
    expect(answer.DeleteMarker).toBe(true);
    expect(await verdict(s3.send(new HeadObjectCommand({ Bucket, Key: "a" })))).toBe("404 NotFound");
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: "a", VersionId }));
    expect(await got.Body?.transformToString()).toBe("one");
    const listed = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    expect([listed.Versions?.map((v) => v.VersionId), listed.DeleteMarkers?.length]).toEqual([[VersionId], 1]);
    const many = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a", VersionId }] } }));
    expect(many.Errors?.[0]?.Code).toBe("AccessDenied");
    expect(fake.violations).toEqual([]);
  });

  test.for([
    ["a past date", { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: new Date("2020-01-01") }, "400 InvalidArgument"],
    ["a mode alone", { ObjectLockMode: "COMPLIANCE" }, "400 InvalidArgument"],
    ["a mode nobody knows", { ObjectLockMode: "FOREVER" as "COMPLIANCE", ObjectLockRetainUntilDate: new Date("2030-01-01") }, "400 InvalidArgument"],
    ["a wrong SHA-256", { ChecksumSHA256: sha("other") }, "400 BadDigest"],
    ["another account's bucket", { ExpectedBucketOwner: "999999999999" }, "403 AccessDenied"],
  ] as const)("a write with %s is refused", async ([, more, expected]) => {
    expect(await verdict(put("a", "one", more))).toBe(expected);
    expect(fake.bucket(Bucket).keys.size).toBe(0);
  });

  test("the bucket's default retention is on the object from the put, and an explicit one wins", async () => {
    await s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 7 } } },
      }),
    );
    const plain = await s3.send(new HeadObjectCommand({ Bucket, Key: "a", VersionId: await put("a", "one") }));
    const own = await s3.send(new HeadObjectCommand({ Bucket, Key: "b", VersionId: await put("b", "one", locked(1)) }));
    expect([plain.ObjectLockMode, plain.ObjectLockRetainUntilDate, own.ObjectLockMode]).toEqual(["GOVERNANCE", later(7), "COMPLIANCE"]);
  });

  test("who may not read retention sees 403 there and nothing at all in HEAD", async () => {
    const VersionId = await put("a", "one", locked());
    fake.denied.add("GetObjectRetention");
    expect(await verdict(s3.send(new GetObjectRetentionCommand({ Bucket, Key: "a", VersionId })))).toBe("403 AccessDenied");
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: "a", VersionId }))).ObjectLockMode).toBeUndefined();
  });
});

describe("objects", () => {
  test("If-None-Match lets one of eight writers through, and one over a delete marker", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => verdict(put("a", `one ${i}`, { IfNoneMatch: "*" }))));
    expect(all.toSorted()).toEqual([...Array.from({ length: 7 }, () => "412 PreconditionFailed"), "accepted"]);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
    expect(await verdict(put("a", "again", { IfNoneMatch: "*" }))).toBe("accepted");
  });

  test("a range gives exactly its bytes and a range past the end is refused", async () => {
    await put("a/b c+ü.bin", "0123456789");
    const read = async (Range: string): Promise<string | undefined> =>
      (await s3.send(new GetObjectCommand({ Bucket, Key: "a/b c+ü.bin", Range }))).Body?.transformToString();
    expect([await read("bytes=2-4"), await read("bytes=8-20"), await read("bytes=-3")]).toEqual(["234", "89", "789"]);
    expect(await verdict(read("bytes=10-11"))).toBe("416 InvalidRange");
  });

  test("the SDK's streaming upload with a trailing checksum is decoded and verified", async () => {
    const { Readable } = await import("node:stream");
    const body = Buffer.alloc(200_000, "x");
    await s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: Readable.from([body]), ContentLength: body.length, ChecksumAlgorithm: "SHA256" }));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "a", ChecksumMode: "ENABLED" }));
    expect([head.ContentLength, head.ChecksumSHA256, head.ContentEncoding]).toEqual([body.length, sha(body), undefined]);
    expect(fake.violations).toEqual([]);
  });

  test("a foreign signature is refused", async () => {
    const stranger = new S3Client({ ...fake.clientConfig, credentials: { accessKeyId: "test", secretAccessKey: "guess" } });
    expect(await verdict(stranger.send(new HeadBucketCommand({ Bucket })))).toMatch(/^403/);
    stranger.destroy();
  });

  test("what is not S3 as the fake knows it gets 501 and is found in violations", async () => {
    const answer = await fetch(`${fake.url}/vault/a?torrent`);
    expect([answer.status, fake.violations.length]).toEqual([501, 1]);
  });

  test("answers carry a request id and the injected time", async () => {
    const answer = await fetch(`${fake.url}/vault/a`);
    expect([answer.status, answer.headers.get("date"), answer.headers.get("x-amz-request-id")?.length]).toEqual([403, now.toUTCString(), 16]);
  });
});

describe("buckets", () => {
  test("Object Lock turns versioning on and it can never be suspended", async () => {
    await s3.send(new CreateBucketCommand({ Bucket: "second", ObjectLockEnabledForBucket: true }));
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket: "second" }))).Status).toBe("Enabled");
    expect((await s3.send(new GetObjectLockConfigurationCommand({ Bucket: "second" }))).ObjectLockConfiguration?.ObjectLockEnabled).toBe("Enabled");
    expect(await verdict(s3.send(new PutBucketVersioningCommand({ Bucket: "second", VersioningConfiguration: { Status: "Suspended" } })))).toBe(
      "409 InvalidBucketState",
    );
  });

  test("a bucket without Object Lock refuses locks, and without versioning a put replaces", async () => {
    await s3.send(new CreateBucketCommand({ Bucket: "plain" }));
    expect(await verdict(s3.send(new GetObjectLockConfigurationCommand({ Bucket: "plain" })))).toBe("404 ObjectLockConfigurationNotFoundError");
    expect(await verdict(s3.send(new PutObjectCommand({ Bucket: "plain", Key: "a", Body: "x", ...locked() })))).toBe("400 InvalidRequest");
    for (const Body of ["x", "y"]) await s3.send(new PutObjectCommand({ Bucket: "plain", Key: "a", Body }));
    expect((await s3.send(new ListObjectVersionsCommand({ Bucket: "plain" }))).Versions?.map((v) => [v.VersionId, v.Size])).toEqual([["null", 1]]);
  });

  test("lists page in byte order without losing or repeating anything", async () => {
    const keys = ["b", "a/1", "a", "ü", "z&<", "a b"];
    for (const key of keys) {
      await put(key, key);
      await put(key, key);
    }
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const seen: (string | undefined)[] = [];
    for (let token: string | undefined, more = true; more; ) {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken: token }));
      seen.push(...(page.Contents ?? []).map((c) => c.Key));
      token = page.NextContinuationToken;
      more = page.IsTruncated === true;
    }
    expect(seen).toEqual(sorted);
    const versions: (string | undefined)[] = [];
    for (let KeyMarker: string | undefined, VersionIdMarker: string | undefined, more = true; more; ) {
      const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 5, KeyMarker, VersionIdMarker }));
      versions.push(...(page.Versions ?? []).map((v) => `${v.Key} ${v.VersionId}`));
      ({ NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page);
      more = page.IsTruncated === true;
    }
    expect([new Set(versions).size, versions.length]).toEqual([12, 12]);
    expect(fake.violations).toEqual([]);
  });

  test("a missing bucket, key, version and upload are each named", async () => {
    const at = { Bucket, Key: "none" };
    expect(await verdict(s3.send(new ListObjectsV2Command({ Bucket: "nowhere" })))).toBe("404 NoSuchBucket");
    expect(await verdict(s3.send(new GetObjectCommand(at)))).toBe("404 NoSuchKey");
    expect(await verdict(s3.send(new GetObjectCommand({ ...at, VersionId: "nope" })))).toBe("404 NoSuchVersion");
    expect(await verdict(s3.send(new UploadPartCommand({ ...at, UploadId: "nope", PartNumber: 1, Body: "x" })))).toBe("404 NoSuchUpload");
  });
});
