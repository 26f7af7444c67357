import { describe, inject, test } from "vitest";
import { makeLockedBucket, placeOf, type S3Place } from "../suite/s3-bench.ts";
import { restoreClaims } from "./restore-story.ts";

const found = inject("servers").minio;

describe(`restore, on MinIO${found.kind === "none" ? "" : ` ${found.server.version}`}`, () => {
  if (found.kind === "none") return void test.skip(`MinIO: ${found.why}`);
  restoreClaims(async (): Promise<S3Place> => {
    const place = placeOf(found.server, "restore");
    await makeLockedBucket(place);
    return place;
  });
});
