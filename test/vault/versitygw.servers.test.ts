import { inject, test } from "vitest";
import { makeLockedBucket, placeOf, s3BenchOf } from "../suite/s3-bench.ts";
import { vaultSuite } from "../suite/vault-suite.ts";

const found = inject("servers").versitygw;

if (found.kind === "none") test.skip(`versitygw: ${found.why}`);
else
  vaultSuite(
    `S3, versitygw ${found.server.version}`,
    async () => {
      const place = placeOf(found.server, "suite");
      await makeLockedBucket(place);
      return s3BenchOf(place, async () => undefined, { expectedOwner: found.server.owner });
    },
    // It lets a COMPLIANCE lock be shortened, and the doctor must say so (test/clouds/LIES.md).
    { partSize: 5 << 20, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: false, failsProbes: ["shorten"] },
  );
