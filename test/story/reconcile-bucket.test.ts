import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";
import { accessLine, type Logged, trailRecord } from "./logged-calls.ts";
import { type S3Home, s3Home } from "./s3-home.ts";

type Reconciled = {
  readonly outcome: string;
  readonly files: string;
  readonly firstUnreadable: string | null;
  readonly text: readonly string[];
  readonly list: readonly { readonly requester: string }[];
};
const [us, eve] = ["arn:aws:iam::111122223333:user/us", "arn:aws:iam::111122223333:user/eve"];
let dir: ReturnType<typeof temporary>;
let fake: S3Fake;
let at: S3Home;
let client: S3Client;
let ours: readonly Logged[];
let theirs: readonly Logged[];

const put = async (key: string, body: string | Buffer): Promise<void> =>
  void (await client.send(new PutObjectCommand({ Bucket: "logs", Key: key, Body: body })));
const reconcile = (place: string): Promise<{ code: number | null; json: Reconciled; stderr: string }> =>
  holdfastJson<Reconciled>(["ledger", "reconcile", "--since", "1h", "--logs", place], at);
/** What the store was asked since `from`, as its log has it. */
const seen = (from: number, requester: string): readonly Logged[] => fake.requests.slice(from).map((r) => ({ ...r, time: new Date(), requester }));

beforeAll(async () => {
  dir = temporary("reconcile-bucket");
  writeFileSync(join(dir.path, "a.log"), "x\n");
  fake = await startS3Fake({
    buckets: [
      { name: "vault", objectLock: true },
      { name: "logs", versioning: true },
    ],
  });
  at = s3Home(dir.path, fake.url, fake.credentials);
  client = new S3Client(fake.clientConfig);
  const collect = ["collect", "host:local", "--case", "B-1", "--reason", "r", "--kind", "access-logs", "--log", join(dir.path, "a.log")];
  expect((await holdfast(collect, at)).code).toBe(0);
  ours = seen(0, us);
  const key = [...fake.bucket("vault").keys.keys()].find((name) => name.includes("/001-") && !name.endsWith(".json")) ?? "";
  const from = fake.requests.length;
  await client.send(new GetObjectCommand({ Bucket: "vault", Key: key }));
  theirs = seen(from, eve);
});
afterAll(async () => {
  client.destroy();
  expect(fake.violations).toEqual([]);
  await fake.stop();
  dir[Symbol.dispose]();
});
beforeEach(() => {
  fake.bucket("logs").keys.clear();
  fake.denied.clear();
});
const text = (calls: readonly Logged[]): string => `${calls.map(accessLine).join("\n")}\n`;
const trail = (calls: readonly Logged[]): Buffer => gzipSync(JSON.stringify({ Records: calls.map(trailRecord) }));

test("access logs and CloudTrail files are read where they lie, under their prefix alone; digests are none of them", async () => {
  await put("s3/2030-01-01-00-00-00-A", text(ours.slice(0, 3)));
  await put("s3/AWSLogs/1/CloudTrail/eu/x.json.gz", trail(ours.slice(3)));
  await put("s3/AWSLogs/1/CloudTrail-Digest/eu/x.json.gz", gzipSync("{}"));
  await put("other/2030-01-01-00-00-00-B", text(theirs));
  const well = await reconcile("s3://logs/s3/");
  expect([well.code, well.json.outcome, well.json.files], well.stderr).toEqual([0, "explained", "2"]);
  const all = await reconcile("s3://logs");
  expect([all.code, all.json.outcome, all.json.list.map(({ requester }) => requester)]).toEqual([9, "unexplained", [eve]]);
});

test("a log behind a thousand others, on a later page of the list, is read", async () => {
  await put("s3/a", text(ours));
  const [like] = fake.bucket("logs").keys.get("s3/a") ?? [];
  if (like === undefined) throw new Error("the log is there");
  for (let i = 0; i < 1100; i += 1) {
    const key = `s3/n${String(i).padStart(4, "0")}`;
    fake.bucket("logs").keys.set(key, [{ ...like, key, size: 0, data: [], modified: new Date(Date.now() - 7_200_000) }]);
  }
  await put("s3/z", text(theirs));
  const before = fake.requests.length;
  const { code, json } = await reconcile("s3://logs/s3/");
  expect([code, json.files, json.list.length]).toEqual([9, "2", 1]);
  // What was written an hour before `--since` holds nothing after it: twice a list of two pages and two logs.
  expect(
    fake.requests
      .slice(before)
      .map(({ operation }) => operation)
      .sort(),
  ).toEqual([...Array(4).fill("GetObject"), ...Array(4).fill("ListObjectVersions")]);
});

test("a log that was written over, or deleted with its versions left, still tells; one that is gone is named", async () => {
  await put("s3/a", text([...ours, ...theirs]));
  await put("s3/a", text(ours));
  expect((await reconcile("s3://logs/s3/")).json.list.map(({ requester }) => requester)).toEqual([eve]);
  await client.send(new DeleteObjectCommand({ Bucket: "logs", Key: "s3/a" }));
  expect((await reconcile("s3://logs/s3/")).json.list.map(({ requester }) => requester)).toEqual([eve]);
  fake.bucket("logs").keys.set(
    "s3/a",
    (fake.bucket("logs").keys.get("s3/a") ?? []).filter(({ marker }) => marker),
  );
  await put("s3/b", text(ours));
  const gone = await reconcile("s3://logs/s3/");
  expect([gone.code, gone.json.outcome, gone.json.firstUnreadable]).toEqual([9, "partial", expect.stringMatching(/^s3\/a: .*deleted/)]);
});

test("a log that may not be read is named and hides none of the others; a bucket that may not be listed says so", async () => {
  await put("s3/a", text(ours.slice(3)));
  await put("s3/b", text([...ours.slice(0, 3), ...theirs]));
  fake.denied.add("GetObject logs/s3/a");
  const denied = await reconcile("s3://logs/s3/");
  expect([denied.code, denied.json.list.length, denied.json.firstUnreadable]).toEqual([9, 1, expect.stringMatching(/^s3\/a: /)]);
  fake.denied.add("ListObjectVersions");
  const ran = await holdfast(["ledger", "reconcile", "--since", "1h", "--logs", "s3://logs/s3/"], at);
  expect([ran.code, ran.stderr]).toEqual([expect.any(Number), expect.stringMatching(/list|ListObjectVersions|denied/i)]);
  expect([0, 1]).not.toContain(ran.code);
  const nowhere = await holdfast(["ledger", "reconcile", "--since", "1h", "--logs", "s3://nowhere/"], at);
  expect([0, 1]).not.toContain(nowhere.code);
});

test("an intruder's read beside an act of ours is not called ours where the logs hold no request id of ours", async () => {
  await put("s3/a", text(theirs));
  const { code, json } = await reconcile("s3://logs/s3/");
  expect([code, json.outcome, json.text.join(" ")]).toEqual([9, "partial", expect.not.stringContaining("Every read")]);
});
