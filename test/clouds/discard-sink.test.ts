import { createHash } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spawnDiscardSink } from "./discard-sink.ts";

const sha = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("base64");
const lock = { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: new Date("2031-01-02T03:04:05Z"), ObjectLockLegalHoldStatus: "ON" } as const;
const Bucket = "bench";
let sink: Awaited<ReturnType<typeof spawnDiscardSink>>;
let s3: S3Client;

beforeAll(async () => {
  sink = await spawnDiscardSink();
  s3 = new S3Client({
    endpoint: sink.url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "test", secretAccessKey: "secret" },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  s3.destroy();
  await sink.stop();
});

test("a locked multipart upload reads back with its size, composite, lock and hold, as a store would say it", async () => {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "m", ChecksumAlgorithm: "SHA256", ...lock }));
  const bodies = [Buffer.alloc(6 << 20, 1), Buffer.alloc(6 << 20, 2), Buffer.from("end")];
  const Parts = await Promise.all(
    bodies.map(async (Body, i) => {
      const answer = await s3.send(new UploadPartCommand({ Bucket, Key: "m", UploadId, PartNumber: i + 1, Body, ChecksumSHA256: sha(Body) }));
      return { PartNumber: i + 1, ETag: answer.ETag, ChecksumSHA256: answer.ChecksumSHA256 };
    }),
  );
  const listed = await s3.send(new ListPartsCommand({ Bucket, Key: "m", UploadId }));
  expect(listed.Parts?.map((p) => [p.Size, p.ChecksumSHA256])).toEqual(bodies.map((b) => [b.length, sha(b)]));
  const done = await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "m", UploadId, MultipartUpload: { Parts }, IfNoneMatch: "*" }));
  const composite = `${sha(Buffer.concat(bodies.map((b) => createHash("sha256").update(b).digest())))}-3`;
  const at = { Bucket, Key: "m", VersionId: done.VersionId };
  const head = await s3.send(new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" }));
  expect([head.ContentLength, head.ChecksumSHA256, head.ChecksumType, head.ObjectLockMode, head.VersionId]).toEqual([
    (12 << 20) + 3,
    composite,
    "COMPOSITE",
    "COMPLIANCE",
    done.VersionId,
  ]);
  expect((await s3.send(new GetObjectRetentionCommand(at))).Retention).toEqual({ Mode: "COMPLIANCE", RetainUntilDate: lock.ObjectLockRetainUntilDate });
  expect((await s3.send(new GetObjectLegalHoldCommand(at))).LegalHold?.Status).toBe("ON");
  await expect(s3.send(new DeleteObjectCommand(at))).rejects.toThrow("AccessDenied");
});

test("a single put reads back too, and a second one under the condition is refused", async () => {
  const Body = Buffer.alloc(3 << 20, 7);
  const put = (): Promise<{ VersionId?: string | undefined }> =>
    s3.send(new PutObjectCommand({ Bucket, Key: "s", Body, ChecksumSHA256: sha(Body), IfNoneMatch: "*", ...lock }));
  const { VersionId } = await put();
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "s", VersionId, ChecksumMode: "ENABLED" }));
  expect([head.ContentLength, head.ChecksumSHA256]).toEqual([Body.length, sha(Body)]);
  await expect(put()).rejects.toThrow("PreconditionFailed");
});
