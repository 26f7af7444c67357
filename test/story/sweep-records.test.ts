import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import type { FakeVersion } from "../clouds/s3-fake-state.ts";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";
import { type S3Home, s3Home } from "./s3-home.ts";

type Counts = { readonly looked: string; readonly renewed: string; readonly due: string; readonly broken: string; readonly unread: string };
type Swept = {
  readonly outcome: string;
  readonly renewed: string;
  readonly act: string | null;
  readonly records: Counts;
  readonly recordList: readonly { readonly key: string; readonly lock: string; readonly renewal: string; readonly text: string }[];
};
const DAY = 86_400_000;
let dir: ReturnType<typeof temporary>;
let fake: S3Fake;
let at: S3Home;
let homes = 0;

const sweep = (...args: readonly string[]): Promise<{ code: number | null; json: Swept; stderr: string }> =>
  holdfastJson<Swept>(["retain", "sweep", ...args], at);
const keepFor = (retain: string): void => {
  const path = join(at.home, "holdfast.yaml");
  writeFileSync(path, readFileSync(path, "utf8").replace(/retain: \w+/, `retain: ${retain}`));
};
const versions = (part: string): readonly FakeVersion[] =>
  [...fake.bucket("vault").keys].flatMap(([key, [version]]) => (key.includes(part) && version !== undefined ? [version] : []));
const [mirror, record] = ["holdfast/ledger/", "/exhibit.json"] as const;
const ends = (part: string): readonly number[] => versions(part).map(({ retention }) => Math.round(((retention?.until.getTime() ?? 0) - Date.now()) / DAY));
/** The first of them, to damage as somebody with the store's own tools would. */
const one = (part: string): FakeVersion => {
  const [version] = versions(part);
  if (version === undefined) throw new Error(`no object of ${part}`);
  return version;
};

beforeAll(() => {
  dir = temporary("sweep-records");
  writeFileSync(join(dir.path, "a.log"), "x\n");
});
afterAll(() => dir[Symbol.dispose]());
beforeEach(async () => {
  fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
  homes += 1;
  at = s3Home(join(dir.path, String(homes)), fake.url, fake.credentials);
  appendFileSync(join(at.home, "holdfast.yaml"), "anchors: {worm: main}\n");
  const collect = ["collect", "host:local", "--case", "M-1", "--reason", "r", "--kind", "access-logs", "--log", join(dir.path, "a.log")];
  const ran = await holdfast(collect, at);
  expect(ran.code, ran.stderr).toBe(0);
  return async () => {
    expect(fake.violations).toEqual([]);
    await fake.stop();
  };
});

test("the mirror and exhibit.json outlive the evidence after each sweep, and are not moved again by the next; a dry run moves nothing", async () => {
  expect((await sweep()).json.records).toMatchObject({ renewed: "0", broken: "0", unread: "0" });
  expect([versions(mirror).length, versions(record).length]).toEqual([expect.any(Number), 1]);
  keepFor("90d");
  const before = fake.requests.length;
  const dry = await sweep("--dry-run");
  expect([dry.code, dry.json.act, fake.requests.slice(before).filter(({ operation }) => !/^(Get|Head|List)/.test(operation))]).toEqual([0, null, []]);
  const first = await sweep();
  expect([first.code, first.json.outcome, first.json.renewed], first.stderr).toEqual([0, "well", "1"]);
  expect(Number(first.json.records.renewed)).toBeGreaterThan(3);
  expect(new Set(ends(record))).toEqual(new Set([90]));
  // The checkpoint of this very sweep came after it, under the longest class; the next sweep sees it.
  expect(Math.min(...ends(mirror))).toBeGreaterThanOrEqual(90);
  const again = await sweep();
  expect([again.code, again.json.renewed, Math.min(...ends(mirror)) >= 90]).toEqual([0, "0", true]);
  expect((await sweep()).json.records.renewed).toBe("0");
  const acts = await holdfast(["ledger", "audit"], at);
  expect(acts.code, acts.stderr).toBe(0);
});

describe("what was done to them outside Holdfast is found, exit 5", () => {
  test.for<readonly [string, string, (version: FakeVersion) => void]>([
    ["a mode that was weakened", "broken", (version) => Object.assign(version, { retention: { mode: "GOVERNANCE", until: version.retention?.until } })],
    [
      "a date that was brought forward",
      "broken",
      (version) => Object.assign(version, { retention: { mode: "COMPLIANCE", until: new Date(Date.now() + 60_000) } }),
    ],
    ["a lock that was taken away", "broken", (version) => Object.assign(version, { retention: null })],
  ])("%s, of a checkpoint, a tile, the key list and exhibit.json", async ([, lock, damage]) => {
    for (const part of [`${mirror}`, "/tile/entries/", "/log.vkey", record]) {
      const version = one(part);
      damage(version);
      const { code, json } = await sweep();
      expect([code, json.outcome, json.recordList.map((swept) => [`holdfast/${swept.key}`, swept.lock])]).toEqual([5, "broken", [[version.key, lock]]]);
      Object.assign(version, { retention: { mode: "COMPLIANCE", until: new Date(Date.now() + 200 * DAY) } });
    }
    expect((await sweep()).code).toBe(0);
  });

  test("a tile that the list does not show, though the newest checkpoint needs it", async () => {
    const newest = versions("/tile/entries/").at(-1)?.key ?? "";
    fake.bucket("vault").keys.delete(newest);
    const { code, json } = await sweep();
    expect([code, json.recordList.map((swept) => [`holdfast/${swept.key}`, swept.lock])]).toEqual([5, [[newest, "missing"]]]);
  });
});

test("an exhibit.json that is gone is told, exit 9, and put there again; then all is well", async () => {
  const { key } = one(record);
  fake.bucket("vault").keys.delete(key);
  expect(await sweep("--dry-run")).toMatchObject({ code: 9, json: { recordList: [{ lock: "unread" }] } });
  expect(versions(record)).toEqual([]);
  const { code, json } = await sweep();
  expect([code, json.outcome, json.recordList.map((swept) => [`holdfast/${swept.key}`, swept.lock])]).toEqual([9, "unread", [[key, "unread"]]]);
  expect(one(record).key).toBe(key);
  expect((await sweep()).code).toBe(0);
});

test("a store that lists nothing is exit 9 with what could not be seen, and the exhibits are renewed all the same", async () => {
  keepFor("90d");
  fake.denied.add("ListObjectVersions");
  const { code, json } = await sweep();
  expect([code, json.outcome, json.renewed, json.recordList.map(({ key, lock }) => [key, lock])]).toEqual([
    9,
    "unread",
    "1",
    [
      ["M-1/", "unread"],
      ["ledger/", "unread"],
    ],
  ]);
});

test("a store that refuses to lengthen one of them is exit 4, and the others are lengthened", async () => {
  keepFor("90d");
  fake.denied.add(`PutObjectRetention vault/${one("/log.vkey").key}`);
  const { code, json } = await sweep();
  expect([code, json.outcome, json.recordList.filter(({ renewal }) => renewal === "failed").map(({ key }) => `holdfast/${key}`)]).toEqual([
    4,
    "not-renewed",
    [one("/log.vkey").key],
  ]);
  expect(Math.min(...ends("/checkpoint/"))).toBeGreaterThanOrEqual(90);
});
