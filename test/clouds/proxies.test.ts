import { createHash, randomBytes } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expiredToken, type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { type Lie, type LyingProxy, lies, startLyingProxy } from "./lying-proxy.ts";
import { type S3Fake, startS3Fake } from "./s3-fake.ts";

let fake: S3Fake;
const Bucket = "vault";
const sha = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("base64");
const until = new Date("2031-01-02T03:04:05.000Z");
const lock = { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: "ON" } as const;

/** The server's code, or the socket's (`ECONNRESET`), or `accepted`. */
async function ending(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "accepted";
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return "code" in error && typeof error.code === "string" ? error.code : error.name;
  }
}

beforeEach(async () => {
  fake = await startS3Fake({ buckets: [{ name: Bucket, objectLock: true }], minPartSize: 16 });
});
afterEach(async () => {
  expect(fake.violations).toEqual([]);
  await fake.stop();
});

describe("faults", () => {
  let proxy: FaultProxy;
  let s3: S3Client;
  beforeEach(async () => {
    proxy = await startFaultProxy(fake.url, []);
    s3 = new S3Client({ ...fake.clientConfig, endpoint: proxy.url, maxAttempts: 1 });
  });
  afterEach(async () => {
    s3.destroy();
    await proxy.stop();
  });
  const put = (Body: Uint8Array | string = "one"): Promise<unknown> => s3.send(new PutObjectCommand({ Bucket, Key: "a", Body, ChecksumSHA256: sha(Body) }));
  const stored = (): number => fake.bucket(Bucket).keys.get("a")?.length ?? 0;

  test("without faults a large body goes through unchanged and signatures hold", async () => {
    const body = randomBytes(3_000_000);
    await put(body);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: "a" }));
    expect(sha((await got.Body?.transformToByteArray()) ?? "")).toBe(sha(body));
    expect(proxy.seen.map((s) => s.operation)).toEqual(["PutObject", "GetObject"]);
  });

  test("a fault acts from its request on, as often as it says, on its operation alone", async () => {
    proxy.add({ on: "PutObject", from: 2, times: 2, does: { kind: "answer", status: 503, code: "SlowDown", retryAfter: 1 } });
    await s3.send(new HeadBucketCommand({ Bucket }));
    const all = [await ending(put()), await ending(put()), await ending(put()), await ending(put())];
    expect([all, stored()]).toEqual([["accepted", "SlowDown", "SlowDown", "accepted"], 2]);
    expect(proxy.fired).toHaveLength(2);
  });

  test("the SDK's own retry comes through a throttled start", async () => {
    const patient = new S3Client({ ...fake.clientConfig, endpoint: proxy.url, maxAttempts: 3 });
    proxy.add({ on: "PutObject", times: 1, does: { kind: "answer", status: 503, code: "SlowDown" } });
    await patient.send(new PutObjectCommand({ Bucket, Key: "a", Body: "one" }));
    expect([stored(), proxy.seen.length]).toEqual([1, 2]);
    patient.destroy();
  });

  test("a reset before leaves nothing, a reset after has stored it: the client hears the same", async () => {
    proxy.add({ on: "PutObject", does: { kind: "reset-before" } });
    expect([await ending(put()), stored()]).toEqual(["ECONNRESET", 0]);
    proxy.add({ on: "PutObject", does: { kind: "reset-after" } });
    expect([await ending(put()), stored()]).toEqual(["ECONNRESET", 1]);
  });

  test("a byte that turned on the way up is refused by the server", async () => {
    proxy.add({ on: "PutObject", does: { kind: "corrupt-request", offset: 2 } });
    expect([await ending(put()), stored()]).toEqual(["XAmzContentSHA256Mismatch", 0]);
  });

  test("a byte that turned on the way down, and an answer cut short, are not the object", async () => {
    const body = randomBytes(100_000);
    await put(body);
    const read = async (): Promise<Uint8Array | undefined> =>
      (await s3.send(new GetObjectCommand({ Bucket, Key: "a", Range: "bytes=0-99999" }))).Body?.transformToByteArray();
    proxy.add({ on: "GetObject", does: { kind: "corrupt-answer", offset: 50_000 } });
    const turned = Buffer.from((await read()) ?? []);
    expect([turned.length, turned.equals(body)]).toEqual([100_000, false]);
    proxy.add({ on: "GetObject", does: { kind: "truncate-answer", afterBytes: 1000 } });
    expect(await ending(read())).not.toBe("accepted");
  });

  test.for([true, false])("200 with an error body (done: %s) is an error to the SDK", async (commit) => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "a", ChecksumAlgorithm: "SHA256", ...lock }));
    const part = await s3.send(new UploadPartCommand({ Bucket, Key: "a", UploadId, PartNumber: 1, Body: "x", ChecksumSHA256: sha("x") }));
    proxy.add({ on: "CompleteMultipartUpload", does: { kind: "error-in-200", code: "InternalError", commit } });
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256 }];
    expect(await ending(s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "a", UploadId, MultipartUpload: { Parts } })))).toBe("InternalError");
    expect(stored()).toBe(commit ? 1 : 0);
    expect(await ending(s3.send(new ListPartsCommand({ Bucket, Key: "a", UploadId })))).toBe(commit ? "NoSuchUpload" : "accepted");
  });

  test("a token runs out and is renewed", async () => {
    proxy.add(expiredToken(2, 2));
    expect([await ending(put()), await ending(put()), await ending(put()), await ending(put())]).toEqual([
      "accepted",
      "ExpiredToken",
      "ExpiredToken",
      "accepted",
    ]);
  });

  test("a stalled request can be given up and is then never made", async () => {
    proxy.add({ on: "PutObject", does: { kind: "stall", milliseconds: 300 } });
    const stop = AbortSignal.timeout(50);
    expect(await ending(s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "one" }), { abortSignal: stop }))).toBe("AbortError");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(stored()).toBe(0);
  });

  test("a slow line gives the same bytes later", async () => {
    await put(Buffer.alloc(1000, 7));
    proxy.add({ on: "GetObject", does: { kind: "slow", bytesPerSecond: 2500 } });
    const from = performance.now();
    const got = await (await s3.send(new GetObjectCommand({ Bucket, Key: "a" }))).Body?.transformToByteArray();
    expect([got?.length, performance.now() - from > 150]).toEqual([1000, true]);
  });
});

describe("lies", () => {
  let liar: LyingProxy;
  let s3: S3Client;
  let VersionId: string;
  beforeEach(async () => {
    liar = await startLyingProxy(fake.url, []);
    s3 = new S3Client({ ...fake.clientConfig, endpoint: liar.url, maxAttempts: 1 });
    VersionId = (await s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "one", ChecksumSHA256: sha("one"), ...lock }))).VersionId ?? "";
  });
  afterEach(async () => {
    s3.destroy();
    await liar.stop();
  });

  async function told(): Promise<Record<string, unknown>> {
    const at = { Bucket, Key: "a", VersionId };
    const code = (error: unknown): string => (error instanceof Error ? error.name : "?");
    const head = await s3.send(new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" }));
    const retention = await s3.send(new GetObjectRetentionCommand(at)).then((a) => a.Retention, code);
    const hold = await s3.send(new GetObjectLegalHoldCommand(at)).then((a) => a.LegalHold?.Status, code);
    return {
      head: [head.ObjectLockMode, head.ObjectLockRetainUntilDate?.toISOString(), head.ObjectLockLegalHoldStatus],
      sum: head.ChecksumSHA256,
      size: head.ContentLength,
      version: head.VersionId === VersionId,
      retention: typeof retention === "object" ? [retention.Mode, retention.RetainUntilDate?.toISOString()] : retention,
      hold,
    };
  }
  const iso = until.toISOString();
  const before = "2031-01-01T03:04:05.000Z";
  const honest = { head: ["COMPLIANCE", iso, "ON"], sum: sha("one"), size: 3, version: true, retention: ["COMPLIANCE", iso], hold: "ON" };
  const reading: Partial<Record<Lie, object>> = {
    "lock-not-in-head": { head: [undefined, undefined, undefined] },
    "lock-not-anywhere": { head: [undefined, undefined, undefined], retention: "NoSuchObjectLockConfiguration" },
    "governance-for-compliance": { head: ["GOVERNANCE", iso, "ON"], retention: ["GOVERNANCE", iso] },
    "governance-in-retention": { retention: ["GOVERNANCE", iso] },
    "governance-in-head": { head: ["GOVERNANCE", iso, "ON"] },
    "day-short": { head: ["COMPLIANCE", before, "ON"], retention: ["COMPLIANCE", before] },
    "another-version-in-head": { version: false },
    "retention-forbidden": { retention: "AccessDenied" },
    "hold-forbidden": { hold: "AccessDenied" },
    "hold-off": { head: ["COMPLIANCE", iso, "OFF"], hold: "OFF" },
    "no-checksum": { sum: undefined },
    "wrong-size": { size: 4 },
  };

  test("without lies everything is as the server says", async () => expect(await told()).toEqual(honest));

  test.for(Object.entries(reading))("%s changes that and nothing else", async ([lie, changed]) => {
    liar.tell(lies.filter((l) => l === lie));
    expect(await told()).toEqual({ ...honest, ...changed });
  });

  test("a wrong checksum is well-formed and wrong", async () => {
    liar.tell(["wrong-checksum"]);
    const { sum } = await told();
    expect([String(sum).length, sum === sha("one")]).toEqual([44, false]);
  });

  test.for(["another-version", "no-version"] as const)("%s in the answer of a write", async (lie) => {
    liar.tell([lie]);
    const answer = await s3.send(new PutObjectCommand({ Bucket, Key: "b", Body: "x" }));
    expect(answer.VersionId).not.toBe(fake.bucket(Bucket).keys.get("b")?.[0]?.id);
    expect(fake.bucket(Bucket).keys.get("b")).toHaveLength(1);
  });

  test("an accepted delete or shortening did nothing", async () => {
    liar.tell(["delete-accepted", "shorten-accepted", "retention-garbled"]);
    const at = { Bucket, Key: "a", VersionId };
    expect(await ending(s3.send(new DeleteObjectCommand(at)))).toBe("accepted");
    expect(await ending(s3.send(new PutObjectRetentionCommand({ ...at, Retention: { Mode: "COMPLIANCE", RetainUntilDate: new Date("2030-01-01") } })))).toBe(
      "accepted",
    );
    expect(fake.bucket(Bucket).keys.get("a")?.[0]?.retention?.until).toEqual(until);
  });
});
