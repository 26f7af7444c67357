import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DeleteObjectCommand, GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { accessLine, type Logged, trailRecord } from "./logged-calls.ts";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";
import { type S3Home, s3Home } from "./s3-home.ts";

type Reconciled = {
  readonly outcome: string;
  readonly calls: { readonly onExhibits: string; readonly byRequestId: string; readonly byTime: string };
  readonly list: readonly {
    readonly what: string;
    readonly outcome: string;
    readonly exhibit: string | null;
    readonly requester: string;
    readonly key: string | null;
  }[];
  readonly unlogged: readonly { readonly act: string }[];
  readonly text: readonly string[];
};
const us = "arn:aws:sts::111122223333:assumed-role/holdfast/session-1";
const eve = "arn:aws:iam::111122223333:user/eve";
let dir: ReturnType<typeof temporary>;
let fake: S3Fake;
let at: S3Home;
let logs: string;
let key = "";
let eveCalls: S3Client;
let seen = 0;
const log: Logged[] = [];

/** Everything that the store was asked since the last time, by whom. */
const note = (requester: string): void => {
  for (const request of fake.requests.slice(seen)) log.push({ ...request, time: new Date(), requester });
  seen = fake.requests.length;
};
const writeLogs = (calls: readonly Logged[], form: "lines" | "trail"): void => {
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(join(logs, "day"), { recursive: true });
  if (form === "trail") writeFileSync(join(logs, "day", "a.json.gz"), gzipSync(JSON.stringify({ Records: calls.map(trailRecord) })));
  else writeFileSync(join(logs, "day", "2030-01-01-00-00-00-ABC"), `${calls.map(accessLine).join("\n")}\n`);
};
const reconcile = (...args: readonly string[]): Promise<{ code: number | null; json: Reconciled; stderr: string }> =>
  holdfastJson<Reconciled>(["ledger", "reconcile", "--since", "1h", "--logs", logs, ...args], at);

beforeAll(async () => {
  dir = temporary("reconcile");
  logs = join(dir.path, "logs");
  writeFileSync(join(dir.path, "a.log"), "x\n");
  fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
  at = s3Home(dir.path, fake.url, fake.credentials);
  eveCalls = new S3Client(fake.clientConfig);
  for (const args of [
    ["collect", "host:local", "--case", "A-1", "--reason", "r", "--kind", "access-logs", "--log", join(dir.path, "a.log")],
    ["verify"],
    ["fetch", "A-1/001", "--out", join(dir.path, "out"), "--reason", "r"],
    ["hold", "set", "A-1/001", "--reason", "r"],
  ]) {
    const ran = await holdfast(args, at);
    expect(ran.code, ran.stderr).toBe(0);
    note(us);
  }
  key = [...fake.bucket("vault").keys.keys()].find((name) => name.includes("/001-") && !name.endsWith(".json")) ?? "";
});
afterAll(async () => {
  eveCalls.destroy();
  await fake.stop();
  dir[Symbol.dispose]();
});
let ours: readonly Logged[] = [];
beforeEach(() => {
  ours = log.filter(({ requester }) => requester === us);
});

test.for(["lines", "trail"] as const)(
  "all of our own calls are explained, by request id or beside their act (%s), and only then is every read said",
  async (form) => {
    writeLogs(ours, form);
    const { code, json, stderr } = await reconcile();
    expect([code, json.outcome, json.list], stderr).toEqual([0, "explained", []]);
    expect(Number(json.calls.byRequestId)).toBeGreaterThan(2);
    expect(json.text[0]).toMatch(/^Every read, write, deletion/);
  },
);

test.for(["lines", "trail"] as const)("an intruder's read and refused deletion are found, though minutes from acts of ours (%s)", async (form) => {
  const version = fake.bucket("vault").keys.get(key)?.[0]?.id;
  await eveCalls.send(new GetObjectCommand({ Bucket: "vault", Key: key }));
  await expect(eveCalls.send(new DeleteObjectCommand({ Bucket: "vault", Key: key, VersionId: version }))).rejects.toThrow();
  note(eve);
  writeLogs([...ours, ...log.slice(-2)], form);
  const { code, json } = await reconcile();
  expect([code, json.outcome]).toEqual([9, "unexplained"]);
  expect(json.list.map((call) => [call.what, call.outcome, call.exhibit, call.requester, call.key])).toEqual([
    ["read", "done", "A-1/001", eve, key],
    ["delete", "refused", "A-1/001", eve, key],
  ]);
  expect(json.text.join(" ")).not.toContain("Every read");
});

test("a write of ours that no act is about is found, though it comes from us", async () => {
  const [put] = ours.filter((call) => call.operation === "PutObject" && call.key === key);
  if (put === undefined) throw new Error("the collection put its object");
  writeLogs([...ours, { ...put, requestId: "STRANGE", time: new Date(Date.now() - 50 * 60_000) }], "lines");
  const { code, json } = await reconcile("--tolerance", "1m");
  expect([code, json.list.map((call) => call.what)]).toEqual([9, ["write"]]);
});

test("acts without a call in the logs, and lines that are none, and logs without a call are exit 9; no folder is 2", async () => {
  const [one] = ours;
  if (one === undefined) throw new Error("the collection asked the store");
  const minutes = (n: number): Date => new Date(Date.now() + n * 60_000);
  const elsewhere = { ...one, bucket: "another" };
  writeLogs(
    [
      { ...elsewhere, requestId: "START", time: minutes(-50) },
      { ...elsewhere, requestId: "END", time: minutes(60) },
    ],
    "lines",
  );
  const none = await reconcile();
  expect([none.code, none.json.outcome, none.json.unlogged.map(({ act }) => act)]).toMatchObject([9, "partial", expect.arrayContaining(["held", "accessed"])]);
  for (const [name, bytes] of [
    ["notes.txt", "not a log\n"],
    ["cut.gz", gzipSync(ours.map(accessLine).join("\n")).subarray(0, -20)],
    ["trail.json", '{"Records": [null]}'],
    ["cut.json", '{"Records": ['],
  ] as const) {
    writeLogs(ours, "lines");
    writeFileSync(join(logs, name), bytes);
    const damaged = await reconcile();
    expect([damaged.code, damaged.json.outcome, damaged.json.text.join(" ")]).toEqual([9, "partial", expect.stringContaining(`the first: ${name}`)]);
  }
  writeLogs([], "lines");
  expect((await reconcile()).code).toBe(9);
  rmSync(logs, { recursive: true });
  expect((await holdfast(["ledger", "reconcile", "--since", "1h", "--logs", logs], at)).code).toBe(2);
});
