import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientConfigOf, type Server, startServer } from "./servers.ts";
import { cacheDirectory } from "./setup.ts";
import { verdict } from "./s3-probe.ts";

let server: Server;
let s3: S3Client;
const at = { Bucket: "liar", Key: "a" };

beforeAll(async () => {
  server = await startServer("s3rver", cacheDirectory({}));
  s3 = new S3Client({ ...clientConfigOf(server), maxAttempts: 1 });
  await s3.send(new CreateBucketCommand({ Bucket: at.Bucket, ObjectLockEnabledForBucket: true }));
});
afterAll(async () => {
  s3.destroy();
  await server.stop();
});

test("s3rver is the liar we keep it for: a lock is accepted, not kept, and the object deleted", async () => {
  await s3.send(new PutObjectCommand({ ...at, Body: "one", ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: new Date("2031-01-02T03:04:05Z") }));
  expect((await s3.send(new HeadObjectCommand(at))).ObjectLockMode).toBeUndefined();
  expect(await verdict(s3.send(new GetObjectLockConfigurationCommand({ Bucket: at.Bucket })))).toMatch(/^501/);
  expect(await verdict(s3.send(new GetObjectRetentionCommand(at)))).not.toBe("403 AccessDenied");
  expect(await verdict(s3.send(new DeleteObjectCommand(at)))).toBe("accepted");
  expect(await verdict(s3.send(new HeadObjectCommand(at)))).toMatch(/^404/);
});
