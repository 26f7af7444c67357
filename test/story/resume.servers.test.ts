import { execFileSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { describe, expect, inject, test } from "vitest";
import { makeLockedBucket, placeOf, s3ClientOf } from "../suite/s3-bench.ts";
import { holdfastJson, temporary } from "./holdfast.ts";
import { makeImage, sha256sum } from "./images.ts";
import { killAndResume, seeded } from "./kill-and-resume.ts";
import { s3Home } from "./s3-home.ts";

const servers = inject("servers");
const mib = 1024 * 1024;

describe("a 4 GiB image with holes, killed -9 at twenty random moments", () => {
  for (const name of ["minio", "versitygw"] as const) {
    const found = servers[name];
    const title = `into ${name}: one object, one collected and one sealed act, zstd -d | sha256sum equals the source`;
    if (found.kind === "none") {
      test.skip(`${title}: ${found.why}`);
      continue;
    }
    test(title, async () => {
      using dir = temporary(`kill-${name}`);
      const place = placeOf(found.server, "kill");
      await makeLockedBucket(place);
      const image = join(dir.path, "disk.img");
      makeImage(image, 4096 * mib, 12);
      const options = s3Home(dir.path, place.endpoint, place.credentials, place.bucket);
      const seed = Date.now() % 1_000_000;
      const killed = await killAndResume(
        ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "disk-image", "--disk", image, "--compress", "none"],
        options,
        20,
        3_000,
        seeded(seed),
      );
      console.log(`${name}: seed ${seed}, ${killed.kills} kills`);
      const exhibit = killed.result.collections[0]?.exhibits[0];
      expect([killed.code, exhibit?.outcome, exhibit?.stored?.sealed], `seed ${seed}`).toEqual([0, "collected", true]);
      const { json } = await holdfastJson<{ acts: { act: string }[] }>(["custody", "K/001"], options);
      const acts = json.acts.map((act) => act.act);
      expect([acts.filter((act) => act === "collected").length, acts.filter((act) => act === "sealed").length], `seed ${seed}`).toEqual([1, 1]);

      const client = s3ClientOf(place);
      const listed = await client.send(new ListObjectVersionsCommand({ Bucket: place.bucket, Prefix: "holdfast/K/" }));
      const Versions = listed.Versions?.filter(({ Key }) => !Key?.endsWith("/exhibit.json"));
      expect(Versions).toHaveLength(1);
      const { Body } = await client.send(new GetObjectCommand({ Bucket: place.bucket, Key: Versions?.[0]?.Key, VersionId: Versions?.[0]?.VersionId }));
      const stored = join(dir.path, "stored.zst");
      await pipeline(Body as Readable, createWriteStream(stored));
      client.destroy();
      const digest = execFileSync("bash", ["-c", `zstd -dc "$1" | sha256sum`, "bash", stored], { encoding: "utf8" }).slice(0, 64);
      expect([digest, exhibit?.sha256]).toEqual([sha256sum(image), digest]);
    });
  }
});
