import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ProbeStore, probeStore } from "./s3-probe.ts";
import { probes } from "./s3-probes.ts";
import { type S3Fake, startS3Fake } from "./s3-fake.ts";

let fake: S3Fake;
let store: ProbeStore;
let clients: readonly S3Client[] = [];

beforeAll(async () => {
  let passed = 0;
  const clock = (): Date => new Date(Date.now() + passed);
  fake = await startS3Fake({ clock });
  const config = { ...fake.clientConfig, maxAttempts: 1 };
  const [s3, plain] = [new S3Client(config), new S3Client({ ...config, requestChecksumCalculation: "WHEN_REQUIRED" })];
  clients = [s3, plain];
  store = await probeStore(s3, plain, "probes", {
    clock,
    pass: async (milliseconds) => {
      passed += milliseconds;
    },
  });
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await fake.stop();
  expect(fake.violations).toEqual([]);
});

test.for(probes)("the fake answers as AWS does: $name", async (probe) => expect(await probe.ask(store)).toBe(probe.aws));
