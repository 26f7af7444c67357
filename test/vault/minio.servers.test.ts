import { inject, test } from "vitest";
import { makeLockedBucket, placeOf, s3BenchOf } from "../suite/s3-bench.ts";
import { vaultSuite } from "../suite/vault-suite.ts";

const found = inject("servers").minio;

if (found.kind === "none") test.skip(`MinIO: ${found.why}`);
else
  vaultSuite(
    `S3, MinIO ${found.server.version}`,
    async () => {
      const place = placeOf(found.server, "suite");
      await makeLockedBucket(place);
      return s3BenchOf(place, async () => undefined);
    },
    { partSize: 5 << 20, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] },
  );
