import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { spawnDiscardSink } from "./discard-sink.ts";
import { toolPath } from "./setup.ts";

const run = promisify(execFile);
const cache = inject("toolCache");
const moto = inject("servers").moto; // it comes from the same place as the two clients
const environment = {
  PATH: process.env["PATH"] ?? "",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
};
let sink: Awaited<ReturnType<typeof spawnDiscardSink>>;
let folder = "";

beforeAll(async () => {
  sink = await spawnDiscardSink();
  folder = await mkdtemp(join(tmpdir(), "holdfast-sink-"));
});
afterAll(async () => {
  await sink.stop();
  await rm(folder, { recursive: true, force: true });
});

const clients: Readonly<Record<string, (file: string, key: string) => readonly [string, readonly string[]]>> = {
  "aws s3 cp": (file, key) => [toolPath(cache, "aws"), ["--endpoint-url", sink.url, "s3", "cp", "--no-progress", file, `s3://bench/${key}`]],
  "rclone copyto": (file, key) => [
    toolPath(cache, "rclone"),
    [
      "copyto",
      "--config",
      "",
      "--s3-no-check-bucket",
      "--s3-chunk-size",
      "16M",
      "--s3-upload-cutoff",
      "32M",
      file,
      `:s3,provider=Other,access_key_id=test,secret_access_key=secret,endpoint='${sink.url}',region=us-east-1,force_path_style=true:bench/${key}`,
    ],
  ],
};

test.for(
  Object.keys(clients).flatMap(
    (name) =>
      [
        [name, 3 << 20],
        [name, (70 << 20) + 7],
      ] as const,
  ),
)("%s of %i bytes ends well and the sink knows the size", async ([name, size], { skip }) => {
  if (moto.kind === "none") return skip(moto.why);
  const file = join(folder, "file");
  await writeFile(file, randomBytes(size));
  const [program, args] = clients[name]?.(file, `${name.slice(0, 3)}-${size}`) ?? ["", []];
  await run(program, args, { env: { ...environment, HOME: folder } });
  const s3 = new S3Client({ endpoint: sink.url, region: "us-east-1", forcePathStyle: true, credentials: { accessKeyId: "test", secretAccessKey: "secret" } });
  expect((await s3.send(new HeadObjectCommand({ Bucket: "bench", Key: `${name.slice(0, 3)}-${size}` }))).ContentLength).toBe(size);
  s3.destroy();
});
