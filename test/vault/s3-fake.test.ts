import { afterAll, expect, test } from "vitest";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { s3BenchOf } from "../suite/s3-bench.ts";
import { vaultSuite } from "../suite/vault-suite.ts";

const fakes: S3Fake[] = [];
afterAll(async () => {
  for (const fake of fakes) await fake.stop();
});

vaultSuite(
  "S3, honest fake",
  async () => {
    const fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
    fakes.push(fake);
    return s3BenchOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "evidence" }, async () => undefined, { expectedOwner: fake.owner });
  },
  { partSize: 4096, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] },
);

test("nothing that the vault asked is outside of S3 as the fake knows it", () => {
  expect(fakes.flatMap((fake) => fake.violations)).toEqual([]);
});
