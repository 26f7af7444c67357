import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { CreateBucketCommand, DeleteObjectCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { expect, inject, test } from "vitest";
import { accessLogsRoom } from "../../../collectors/aws/access-logs/access-logs.ts";
import { plant } from "../../clouds/aws/planted.ts";
import { buildTrail, type TrailBucket } from "../../clouds/aws/trail-bucket.ts";
import { clientConfigOf } from "../../clouds/servers.ts";
import { toolPath } from "../../clouds/setup.ts";
import { trailOf } from "./log-plants.ts";
import { account, hour, noon, openLogRig, region, type Taken, windowFrom } from "./log-rig.ts";

const oracle = process.env["HOLDFAST_DIGEST_ORACLE"] ?? join(import.meta.dirname, "../../../../shared/tools/digest-oracle/digest_oracle.py");

/** The target is in eu-west-1; versitygw takes no other signature than that of us-east-1, and says so in the error alone. */
async function collected(
  name: "minio" | "versitygw",
  deleted: boolean,
): Promise<{ readonly trail: TrailBucket; readonly taken: Taken; readonly lost: string } | string> {
  const found = inject("servers")[name];
  if (found.kind === "none") return `${name}: ${found.why}`;
  const bucket = `trail-${name}-${Date.now()}`;
  const rig = await openLogRig([{ name: "flow-logs" }], { url: found.server.url, credentials: clientConfigOf(found.server).credentials });
  try {
    rig.ec2.network.flowLogs.length = 0; // their buckets are not on that server
    const trail = buildTrail({ account, region, trail: "case-trail", bucket, from: new Date(noon.getTime() - 12 * hour), hours: 5, logsAnHour: 3 });
    await rig.client.send(new CreateBucketCommand({ Bucket: bucket }));
    if (deleted) await rig.client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: "Enabled" } }));
    await plant(rig.client, bucket, trail.objects.values());
    const lost = trail.logs[7] ?? "";
    if (deleted) await rig.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: lost }));
    rig.trails.publicKeys.push(trail.publicKey);
    rig.trails.trails.push(trailOf(trail.options));
    const [step] = await rig.plan(accessLogsRoom, { window: windowFrom(-12, -7) });
    return { trail, taken: await rig.take(accessLogsRoom, step ?? expect.fail("no step")), lost };
  } finally {
    await rig.close();
  }
}

test.for(["minio", "versitygw"] as const)("%s: a trail is taken byte for byte, and its chain is valid", async (name, { skip }) => {
  const result = await collected(name, false);
  if (typeof result === "string") return skip(result);
  const { trail, taken } = result;
  for (const { key, bytes } of trail.objects.values()) expect(taken.members.get(`s3/${trail.options.bucket}/${key}`)?.equals(bytes)).toBe(true);
  expect(taken.report).toMatchObject({ outcome: "collected", coverage: { gaps: [] } });
});

test("minio: a deleted log file is missing from the chain, and taken from the version that the bucket kept", async ({ skip }) => {
  const result = await collected("minio", true);
  if (typeof result === "string") return skip(result);
  const { trail, taken, lost } = result;
  const kept = [...taken.members].filter(([member]) => member.startsWith(`s3-versions/${trail.options.bucket}/${lost}/`));
  expect(kept.map(([, bytes]) => bytes.equals(trail.objects.get(lost)?.bytes ?? Buffer.of()))).toEqual([true]);
  expect(taken.report.coverage?.gaps.map(({ what, outcome }) => [what, outcome])).toEqual([
    [`s3://${trail.options.bucket}/${lost}`, "unavailable"],
    [`log file ${trail.options.bucket}/${lost}`, "unavailable"],
  ]);
});

test("from the archive alone, awscli's own validator finds the chain valid", async ({ skip }) => {
  const python = toolPath(inject("toolCache"), "python3");
  if (!existsSync(oracle) || !existsSync(python)) return skip("no digest oracle (HOLDFAST_DIGEST_ORACLE) or no Python with awscli");
  const result = await collected("minio", false);
  if (typeof result === "string") return skip(result);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-archive-"));
  try {
    await writeOracleCase(join(folder, "archive"), result.trail, result.taken);
    const { stdout } = await promisify(execFile)(python, [oracle, "check", folder]);
    expect(stdout.split("\n").filter((line) => line.startsWith("as expected"))).toHaveLength(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** As the oracle wants it (trail-bucket.servers.test.ts), made of nothing but members of the archive. */
async function writeOracleCase(folder: string, { options }: TrailBucket, { members }: Taken): Promise<void> {
  const list: unknown[] = [];
  const top = `s3/${options.bucket}/`;
  for (const [member, bytes] of members) {
    if (!member.startsWith(top)) continue;
    const key = member.slice(top.length);
    const file = join("objects", `${list.length}.bin`);
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), bytes);
    const metadata = members.get(`s3-metadata/${options.bucket}/${key}.json`);
    list.push({ bucket: options.bucket, key, file, metadata: metadata === undefined ? {} : JSON.parse(metadata.toString("utf8")).metadata });
  }
  const pages = [...members].filter(([name]) => name.includes("/ListPublicKeys/")).flatMap(([, bytes]) => JSON.parse(bytes.toString("utf8")).PublicKeyList);
  const iso = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
  const keys = pages.map((key: { readonly ValidityStartTime: number; readonly ValidityEndTime: number }) => ({
    ...key,
    ValidityStartTime: iso(key.ValidityStartTime),
    ValidityEndTime: iso(key.ValidityEndTime),
  }));
  const start = iso(options.from.getTime() / 1000);
  const end = iso(options.from.getTime() / 1000 + options.hours * 3600);
  const expected_awscli = { rc: 0, digests_valid: 5, digests_invalid: 0, logs_valid: 15, logs_invalid: 0 };
  const trail_arn = `arn:aws:cloudtrail:${options.region}:${options.account}:trail/${options.trail}`;
  await writeFile(join(folder, "objects.json"), JSON.stringify(list));
  await writeFile(join(folder, "public-keys.json"), JSON.stringify(keys));
  await writeFile(
    join(folder, "case.json"),
    JSON.stringify({ name: "archive", trail_arn, region: options.region, bucket: options.bucket, start, end, expected_awscli }),
  );
}
