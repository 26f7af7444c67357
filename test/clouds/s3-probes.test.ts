import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ProbeStore, probeStore, probes } from "./s3-probes.ts";
import { type S3Fake, startS3Fake } from "./s3-fake.ts";

let fake: S3Fake;
let store: ProbeStore;
let clients: readonly S3Client[] = [];

beforeAll(async () => {
  fake = await startS3Fake();
  const config = { ...fake.clientConfig, maxAttempts: 1 };
  const [s3, plain] = [new S3Client(config), new S3Client({ ...config, requestChecksumCalculation: "WHEN_REQUIRED" })];
  clients = [s3, plain];
  store = await probeStore(s3, plain, "probes");
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await fake.stop();
  expect(fake.violations).toEqual([]);
});

test.for(probes)("the fake answers as AWS does: $name", async (probe) => expect(await probe.ask(store)).toBe(probe.aws));
