import { inject, test } from "vitest";
import { makeLockedBucket, placeOf, s3BenchOf } from "../suite/s3-bench.ts";
import { landingSuite } from "../suite/vault-suite-landing.ts";

const found = inject("servers").versitygw;

if (found.kind === "none") test.skip(`versitygw: ${found.why}`);
else
  landingSuite(
    `S3, versitygw ${found.server.version}`,
    async () => {
      const place = placeOf(found.server, "landing");
      await makeLockedBucket(place);
      return { bench: s3BenchOf(place, async () => undefined, { expectedOwner: found.server.owner }), place };
    },
    { partSize: 5 << 20, demandsMd5: false, checksMd5: true, refusesUnsignedHeaders: true },
  );
