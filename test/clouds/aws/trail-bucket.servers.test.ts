import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateBucketCommand, GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, inject, test } from "vitest";
import { clientConfigOf } from "../servers.ts";
import { toolPath } from "../setup.ts";
import { plant } from "./planted.ts";
import { buildTrail, type TrailBucket } from "./trail-bucket.ts";
import { damageTrail, type TrailDamage } from "./trail-damage.ts";

const oracle = process.env["HOLDFAST_DIGEST_ORACLE"] ?? join(import.meta.dirname, "../../../../shared/tools/digest-oracle/digest_oracle.py");
const options = {
  account: "123456789012",
  region: "us-east-1",
  trail: "case-trail",
  bucket: "trail-bucket",
  from: new Date("2026-11-01T00:00:00.000Z"),
  hours: 5,
  logsAnHour: 3,
} as const;

/** What awscli's own validator says of it: exit code, digests and logs that are valid and that are not. */
type Said = readonly [rc: number, digestsValid: number, digestsInvalid: number, logsValid: number, logsInvalid: number];

/** Its blind spots among them: 0 for a newest digest that is gone and for one that was linked anew. */
const says: readonly (readonly [TrailDamage | "ok", Said])[] = [
  ["ok", [0, 5, 0, 15, 0]],
  ["deleted_log", [1, 5, 0, 14, 1]],
  ["altered_log", [1, 5, 0, 14, 1]],
  ["log_trailing_bytes", [1, 5, 0, 14, 1]],
  ["log_recompressed", [0, 5, 0, 15, 0]],
  ["moved_log", [1, 5, 0, 14, 1]],
  ["missing_digest_middle", [1, 4, 1, 12, 0]],
  ["missing_digest_newest", [0, 4, 0, 12, 0]],
  ["altered_digest", [1, 4, 1, 12, 0]],
  ["wrong_key", [1, 4, 1, 12, 0]],
  ["unknown_key", [1, 4, 1, 12, 0]],
  ["altered_signature", [1, 4, 1, 12, 0]],
  ["no_signature_metadata", [1, 4, 1, 12, 0]],
  ["moved_digest", [1, 4, 1, 12, 0]],
  ["relinked_digest", [0, 5, 0, 14, 0]],
];

test("awscli's own validator reads the trails that are made here, whole and damaged", async ({ skip }) => {
  const python = toolPath(inject("toolCache"), "python3");
  if (!existsSync(oracle) || !existsSync(python)) return skip("no digest oracle (HOLDFAST_DIGEST_ORACLE) or no Python with awscli");
  const folder = await mkdtemp(join(tmpdir(), "holdfast-trails-"));
  try {
    for (const [name] of says) {
      const bucket = buildTrail(options);
      if (name !== "ok") damageTrail(bucket, name);
      await write(join(folder, name), bucket, name, says.find(([one]) => one === name)?.[1] ?? [0, 0, 0, 0, 0]);
    }
    // It exits 1 when anything is not as expected, and prints each line.
    const { stdout } = await promisify(execFile)(python, [oracle, "check", folder]);
    expect(stdout.split("\n").filter((line) => line.startsWith("as expected"))).toHaveLength(says.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function write(folder: string, bucket: TrailBucket, name: string, [rc, digests_valid, digests_invalid, logs_valid, logs_invalid]: Said): Promise<void> {
  await mkdir(join(folder, "objects"), { recursive: true });
  const list: unknown[] = [];
  for (const { key, bytes, metadata } of bucket.objects.values()) {
    const file = `objects/${list.length}.bin`;
    await writeFile(join(folder, file), bytes);
    list.push({ bucket: options.bucket, key, file, metadata });
  }
  const { fingerprint, der, validFrom, validUntil } = bucket.publicKey;
  const keys = [{ Fingerprint: fingerprint, Value: der.toString("base64"), ValidityStartTime: iso(validFrom), ValidityEndTime: iso(validUntil) }];
  const expected_awscli = { rc, digests_valid, digests_invalid, logs_valid, logs_invalid };
  const trail_arn = `arn:aws:cloudtrail:${options.region}:${options.account}:trail/${options.trail}`;
  const end = new Date(options.from.getTime() + options.hours * 3_600_000);
  const told = { name, trail_arn, region: options.region, bucket: options.bucket, start: iso(options.from), end: iso(end), expected_awscli };
  await writeFile(join(folder, "objects.json"), JSON.stringify(list));
  await writeFile(join(folder, "public-keys.json"), JSON.stringify(keys));
  await writeFile(join(folder, "case.json"), JSON.stringify(told));
}

function iso(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

test.for(["minio", "versitygw"] as const)("%s keeps bytes and signatures as they were planted", async (name, { skip }) => {
  const found = inject("servers")[name];
  if (found.kind === "none") return skip(`${name}: ${found.why}`);
  const s3 = new S3Client(clientConfigOf(found.server));
  const Bucket = `trail-${Date.now()}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
  const bucket = buildTrail({ ...options, bucket: Bucket, hours: 2 });
  await plant(s3, Bucket, bucket.objects.values());
  for (const { key, bytes, metadata } of bucket.objects.values()) {
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
    expect(got.Metadata).toEqual(metadata);
  }
  s3.destroy();
});
