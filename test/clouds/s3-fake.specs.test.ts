import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetBucketLocationCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Exchange, type S3Fake, startS3Fake } from "./s3-fake.ts";
import { differences, loadS3Model, type S3Model, specsFolder } from "./s3-model.ts";
import { type ProbeStore, probeStore } from "./s3-probe.ts";
import { probes } from "./s3-probes.ts";

const folder = specsFolder(process.env);
const found = await loadS3Model(folder);

if (found === null) test.skip("NOT PROVEN: AWS's model of S3 is neither in HOLDFAST_SPECS nor in ../shared/specs, so the fake is not held against it");

describe.runIf(found !== null)("the fake against AWS's own model of S3", () => {
  const model: S3Model = found ?? { operations: {}, shapes: {} };
  const exchanges: S3Exchange[] = [];
  let fake: S3Fake;
  let store: ProbeStore;

  beforeAll(async () => {
    let passed = 0;
    const clock = (): Date => new Date(Date.now() + passed);
    fake = await startS3Fake({ clock, inspect: (exchange) => void exchanges.push(exchange) });
    const config = { ...fake.clientConfig, maxAttempts: 1 };
    store = await probeStore(new S3Client(config), new S3Client({ ...config, requestChecksumCalculation: "WHEN_REQUIRED" }), "specs", {
      clock,
      pass: async (milliseconds) => {
        passed += milliseconds;
      },
    });
  });
  afterAll(async () => {
    store.s3.destroy();
    store.plain.destroy();
    await fake.stop();
  });

  test("every request that the SDK made and every answer of the fake is as modelled", async () => {
    const { s3, Bucket } = store;
    for (const probe of probes) await probe.ask(store);
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "open & <odd>", ChecksumAlgorithm: "CRC32" }));
    await s3.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1 }));
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: "open & <odd>", UploadId }));
    await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 3, EncodingType: "url" }));
    await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 3 }));
    await s3.send(new GetBucketLocationCommand({ Bucket }));
    await s3.send(new ListBucketsCommand({}));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
    await s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 1 } } },
      }),
    );
    await s3.send(new PutObjectCommand({ Bucket, Key: "metadata", Body: "x", Metadata: { note: "y" }, ContentType: "text/plain" }));
    expect(new Set(exchanges.map((e) => e.operation)).size).toBeGreaterThan(20);
    expect([...new Set(exchanges.flatMap((e) => differences(model, e)))]).toEqual([]);
    expect(fake.violations).toEqual([]);
  });

  const honest: S3Exchange = {
    operation: "GetObjectRetention",
    query: new URLSearchParams("retention&versionId=v"),
    headers: { "x-amz-date": "20261124T120000Z" },
    xml: null,
    status: 200,
    answerHeaders: {},
    answerXml: "<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2031-01-02T03:04:05.000Z</RetainUntilDate></Retention>",
  };
  test.for<readonly [string, Partial<S3Exchange>]>([
    ["a mode that is no mode", { answerXml: "<Retention><Mode>FOREVER</Mode></Retention>" }],
    ["an element of another name", { answerXml: "<Retention><Until>2031-01-02T03:04:05Z</Until></Retention>" }],
    ["another root", { answerXml: "<ObjectRetention/>" }],
    ["a date that is no date", { answerXml: "<Retention><RetainUntilDate>soon</RetainUntilDate></Retention>" }],
    ["a query that is not modelled", { query: new URLSearchParams("retention&version=v") }],
    ["a header that is not modelled", { headers: { "x-amz-bypass": "true" } }],
    ["an answer's header that is not modelled", { answerHeaders: { "x-amz-lock": "yes" } }],
    ["a missing required checksum", { operation: "PutObjectRetention", query: new URLSearchParams("retention"), answerXml: null }],
    ["a missing required query", { operation: "UploadPart", query: new URLSearchParams("partNumber=1"), answerXml: null }],
  ])("%s is found", ([, change]) => {
    expect(differences(model, honest)).toEqual([]);
    expect(differences(model, { ...honest, ...change })).not.toEqual([]);
  });
});
