import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
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

async function _put(Key: string, Body: string, more: Partial<ConstructorParameters<typeof PutObjectCommand>[0]> = {}): Promise<string> {
  const answer = await s3.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumSHA256: sha(Body), ...more }));
  return answer.VersionId ?? "";
}

describe("multipart", () => {
  const parts = [Buffer.alloc(20, 1), Buffer.alloc(20, 2), Buffer.alloc(3, 3)];
  const composite = createHash("sha256")
    .update(Buffer.concat(parts.map((p) => createHash("sha256").update(p).digest())))
    .digest("base64");

  async function begin(Key: string): Promise<string> {
    const made = await s3.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: "SHA256", ChecksumType: "COMPOSITE", ...locked(), ObjectLockLegalHoldStatus: "ON" }),
    );
    return made.UploadId ?? "";
  }
  async function send(Key: string, UploadId: string): Promise<{ PartNumber: number; ETag: string; ChecksumSHA256: string }[]> {
    return Promise.all(
      parts.map(async (Body, i) => {
        const answer = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: i + 1, Body, ChecksumSHA256: sha(Body) }));
        return { PartNumber: i + 1, ETag: answer.ETag ?? "", ChecksumSHA256: answer.ChecksumSHA256 ?? "" };
      }),
    );
  }

  test("the lock named at Create, the composite sum and the size are on the object that Complete makes", async () => {
    const UploadId = await begin("m");
    const Parts = await send("m", UploadId);
    const done = await s3.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key: "m",
        UploadId,
        MultipartUpload: { Parts },
        ChecksumSHA256: composite,
        ChecksumType: "COMPOSITE",
        MpuObjectSize: 43,
        IfNoneMatch: "*",
      }),
    );
    expect([done.ChecksumSHA256, done.ChecksumType]).toEqual([`${composite}-3`, "COMPOSITE"]);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "m", VersionId: done.VersionId, ChecksumMode: "ENABLED" }));
    expect([head.ContentLength, head.ChecksumSHA256, head.ObjectLockMode, head.ObjectLockRetainUntilDate, head.ObjectLockLegalHoldStatus]).toEqual([
      43,
      `${composite}-3`,
      "COMPLIANCE",
      later(30),
      "ON",
    ]);
    const bytes = await (await s3.send(new GetObjectCommand({ Bucket, Key: "m", Range: "bytes=19-41" }))).Body?.transformToByteArray();
    expect(Buffer.from(bytes ?? [])).toEqual(Buffer.concat(parts).subarray(19, 42));
    const attributes = await s3.send(new GetObjectAttributesCommand({ Bucket, Key: "m", ObjectAttributes: ["Checksum", "ObjectParts", "ObjectSize"] }));
    expect([attributes.Checksum?.ChecksumSHA256, attributes.ObjectParts?.TotalPartsCount, attributes.ObjectSize]).toEqual([composite, 3, 43]);
    expect(await verdict(s3.send(new DeleteObjectCommand({ Bucket, Key: "m", VersionId: done.VersionId })))).toBe("403 AccessDenied");
    expect(fake.violations).toEqual([]);
  });

  test("a locked part without a checksum is refused, as AWS does and no other server here", async () => {
    const plain = new S3Client({ ...fake.clientConfig, maxAttempts: 1, requestChecksumCalculation: "WHEN_REQUIRED" });
    const made = await plain.send(new CreateMultipartUploadCommand({ Bucket, Key: "m", ...locked() }));
    expect(await verdict(plain.send(new UploadPartCommand({ Bucket, Key: "m", UploadId: made.UploadId, PartNumber: 1, Body: "x" })))).toBe(
      "400 InvalidRequest",
    );
    expect(await verdict(plain.send(new PutObjectCommand({ Bucket, Key: "n", Body: "x", ...locked() })))).toBe("400 InvalidRequest");
    plain.destroy();
  });

  test.for([
    ["a wrong part sum", { swap: { ChecksumSHA256: sha("no") } }, "400 InvalidPart"],
    ["a wrong ETag", { swap: { ETag: '"0123"' } }, "400 InvalidPart"],
    ["no part sum", { swap: { ChecksumSHA256: undefined } }, "400 InvalidRequest"],
    ["a wrong composite", { whole: { ChecksumSHA256: sha("no") } }, "400 BadDigest"],
    ["a wrong size", { whole: { MpuObjectSize: 44 } }, "400 InvalidRequest"],
  ] as const)(
    "Complete with %s is refused and the upload stays open",
    async ([, { swap, whole }, expected]: readonly [string, { swap?: object; whole?: object }, string]) => {
      const UploadId = await begin("m");
      const Parts = (await send("m", UploadId)).map((p, i) => (i === 0 ? { ...p, ...swap } : p));
      expect(await verdict(s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "m", UploadId, MultipartUpload: { Parts }, ...whole })))).toBe(expected);
      expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads?.map((u) => u.UploadId)).toEqual([UploadId]);
    },
  );

  test("ListParts pages and shows the sums; after Abort the upload is gone", async () => {
    const UploadId = await begin("m");
    await send("m", UploadId);
    const first = await s3.send(new ListPartsCommand({ Bucket, Key: "m", UploadId, MaxParts: 2 }));
    const rest = await s3.send(new ListPartsCommand({ Bucket, Key: "m", UploadId, MaxParts: 2, PartNumberMarker: first.NextPartNumberMarker }));
    expect([...(first.Parts ?? []), ...(rest.Parts ?? [])].map((p) => [p.PartNumber, p.Size, p.ChecksumSHA256])).toEqual(
      parts.map((p, i) => [i + 1, p.length, sha(p)]),
    );
    expect([first.IsTruncated, rest.IsTruncated]).toEqual([true, false]);
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: "m", UploadId }));
    expect(await verdict(s3.send(new ListPartsCommand({ Bucket, Key: "m", UploadId })))).toBe("404 NoSuchUpload");
    expect(fake.violations).toEqual([]);
  });

  test("a Complete repeated after a lost answer hears 412 with the condition and 404 without it", async () => {
    const UploadId = await begin("m");
    const MultipartUpload = { Parts: await send("m", UploadId) };
    const complete = (more: object): Promise<string> =>
      verdict(s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "m", UploadId, MultipartUpload, ...more })));
    expect([await complete({ IfNoneMatch: "*" }), await complete({ IfNoneMatch: "*" }), await complete({})]).toEqual([
      "accepted",
      "412 PreconditionFailed",
      "404 NoSuchUpload",
    ]);
  });

  test("a small part before the last and parts out of order are refused", async () => {
    const UploadId = await begin("m");
    const Parts = await send("m", UploadId);
    const [a, b, c] = Parts;
    if (a === undefined || b === undefined || c === undefined) throw new TypeError("three parts");
    const complete = (list: typeof Parts): Promise<string> =>
      verdict(s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "m", UploadId, MultipartUpload: { Parts: list } })));
    expect(await complete([b, a, c])).toBe("400 InvalidPartOrder");
    await s3.send(new UploadPartCommand({ Bucket, Key: "m", UploadId, PartNumber: 4, Body: "tail", ChecksumSHA256: sha("tail") }));
    const tail = (await s3.send(new ListPartsCommand({ Bucket, Key: "m", UploadId }))).Parts?.at(-1);
    expect(await complete([a, b, c, { PartNumber: 4, ETag: tail?.ETag ?? "", ChecksumSHA256: sha("tail") }])).toBe("400 EntityTooSmall");
  });
});
