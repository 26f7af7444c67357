import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import type { FakeVersion } from "../clouds/s3-fake-state.ts";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";
import { type S3Home, s3Home } from "./s3-home.ts";

type Swept = {
  readonly outcome: string;
  readonly looked: string;
  readonly renewed: string;
  readonly nextDue: string | null;
  readonly exhibits: readonly {
    readonly exhibit: string;
    readonly lock: string;
    readonly renewal: string;
    readonly until: string | null;
    readonly acts: readonly string[];
    readonly text: string;
  }[];
};
type Custody = { readonly acts: readonly { readonly act: string; readonly seq: string; readonly stored: { readonly retainUntil: string } | null }[] };
const DAY = 86_400_000;
let dir: ReturnType<typeof temporary>;
let fake: S3Fake;
let at: S3Home;
let homes = 0;

const sweep = (...args: readonly string[]): Promise<{ code: number | null; json: Swept; stderr: string }> =>
  holdfastJson<Swept>(["retain", "sweep", ...args], at);
const collect = async (...args: readonly string[]): Promise<void> => {
  const ran = await holdfast(
    ["collect", "host:local", "--case", "R-1", "--reason", "r", "--kind", "access-logs", "--log", join(dir.path, "a.log"), ...args],
    at,
  );
  expect(ran.code, ran.stderr).toBe(0);
};
/** Writes the configuration anew: how long vaults keep, and the retention key. */
const configure = (retain: string, retention = "{}"): void => {
  const path = join(at.home, "holdfast.yaml");
  const text = readFileSync(path, "utf8").replace(/retain: \w+/, `retain: ${retain}`);
  writeFileSync(path, `${text.replace(/^retention: .*\n/gm, "")}retention: ${retention}\n`);
};
/** The stored version of an exhibit's object, to damage as somebody with the store's own tools would. */
const objectOf = (number: string): FakeVersion => {
  for (const [key, [version]] of fake.bucket("vault").keys) if (key.includes(`/${number}-`) && !key.endsWith(".json") && version !== undefined) return version;
  throw new Error(`no object of exhibit ${number}`);
};
const until = (number: string): number => (objectOf(number).retention?.until.getTime() ?? 0) - Date.now();
const acts = async (id: string, name: string): Promise<Custody["acts"]> =>
  (await holdfastJson<Custody>(["custody", id], at)).json.acts.filter((act) => act.act === name);

beforeAll(() => {
  dir = temporary("sweep");
  writeFileSync(join(dir.path, "a.log"), "x\n");
});
afterAll(() => dir[Symbol.dispose]());
beforeEach(async () => {
  fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
  homes += 1;
  at = s3Home(join(dir.path, String(homes)), fake.url, fake.credentials);
  return async () => {
    expect(fake.violations).toEqual([]);
    await fake.stop();
  };
});

describe("renewal", () => {
  test("what ends soon is kept for its own period, once; a dry run says so and changes nothing", async () => {
    await collect();
    const fresh = await sweep();
    expect([fresh.code, fresh.json.outcome, fresh.json.looked, fresh.json.exhibits], fresh.stderr).toEqual([0, "well", "1", []]);
    // A lock ends in whole seconds, rounded up.
    expect(Date.parse(fresh.json.nextDue ?? "") - Date.now()).toBeLessThan(DAY / 2 + 2_000);
    configure("90d");
    const before = fake.requests.length;
    const dry = await sweep("--dry-run");
    expect([dry.code, dry.json.exhibits]).toMatchObject([0, [{ exhibit: "R-1/001", lock: "kept", renewal: "due", acts: [] }]]);
    expect(fake.requests.slice(before).filter(({ operation }) => !/^(Get|Head|List)/.test(operation))).toEqual([]);
    expect(until("001")).toBeLessThan(DAY);
    const first = await sweep();
    expect([first.code, first.json.renewed, first.json.exhibits[0]?.renewal], first.stderr).toEqual([0, "1", "renewed"]);
    expect(Math.round(until("001") / DAY)).toBe(90);
    const [act] = await acts("R-1/001", "retention-extended");
    expect([[act?.seq], act?.stored?.retainUntil]).toEqual([first.json.exhibits[0]?.acts, first.json.exhibits[0]?.until]);
    const again = await sweep();
    expect([again.code, again.json.renewed, again.json.exhibits, (await acts("R-1/001", "retention-extended")).length]).toEqual([0, "0", [], 1]);
  });

  test("the longest of vault, kind and severity counts, and renewBefore says how early", async () => {
    await collect();
    configure("2d", "{classes: {long: 400d}, bySeverity: {medium: long}, byKind: {access-logs: 100d}, renewBefore: 3h}");
    expect((await sweep()).json.renewed).toBe("0");
    configure("2d", "{classes: {long: 400d}, bySeverity: {medium: long}, byKind: {access-logs: 100d}, renewBefore: 2d}");
    expect((await sweep()).json.renewed).toBe("1");
    expect(Math.round(until("001") / DAY)).toBe(400);
  });

  test("a store that refuses the renewal is exit 4, and the other exhibits are renewed all the same", async () => {
    await collect();
    await collect();
    configure("90d");
    fake.denied.add(`PutObjectRetention vault/${objectOf("001").key}`);
    const { code, json } = await sweep();
    expect([code, json.outcome, json.exhibits.map((e) => [e.exhibit, e.renewal])]).toEqual([
      4,
      "not-renewed",
      [
        ["R-1/001", "failed"],
        ["R-1/002", "renewed"],
      ],
    ]);
  });
});

describe("what was done outside Holdfast", () => {
  test.for<readonly [string, string, (version: FakeVersion) => void]>([
    ["a hold that was cleared", "broken", (version) => Object.assign(version, { hold: false })],
    ["a mode that was weakened", "broken", (version) => Object.assign(version, { retention: { mode: "GOVERNANCE", until: version.retention?.until } })],
    [
      "a date that was brought forward",
      "broken",
      (version) => Object.assign(version, { retention: { mode: "COMPLIANCE", until: new Date(Date.now() + 60_000) } }),
    ],
    ["a lock that was taken away", "broken", (version) => Object.assign(version, { retention: null })],
    ["an object that is gone", "missing", (version) => fake.bucket("vault").keys.delete(version.key)],
  ])("%s is found, exit 5, and is an act", async ([, lock, damage]) => {
    await collect("--legal-hold");
    expect((await sweep()).code).toBe(0);
    damage(objectOf("001"));
    const dry = await sweep("--dry-run");
    expect([dry.code, dry.json.outcome, dry.json.exhibits[0]?.lock, dry.json.exhibits[0]?.acts]).toEqual([5, "broken", lock, []]);
    const { code, json } = await sweep();
    expect([code, json.outcome, json.exhibits[0]?.lock]).toEqual([5, "broken", lock]);
    const [act] = await acts("R-1/001", "verified");
    expect(act?.seq).toBe(json.exhibits[0]?.acts[0]);
  });

  test("a date that was brought forward is given back, and the next sweep is well", async () => {
    await collect();
    Object.assign(objectOf("001"), { retention: { mode: "COMPLIANCE", until: new Date(Date.now() + 60_000) } });
    expect((await sweep()).json.exhibits).toMatchObject([{ lock: "broken", renewal: "renewed" }]);
    expect(Math.round(until("001") / DAY)).toBe(1);
    expect((await sweep()).code).toBe(0);
  });

  test("a promise that ran out is lapsed, exit 5, renewed, and then well", async () => {
    configure("5s");
    await collect();
    while (until("001") > -500) await sleep(200);
    configure("5d");
    const { code, json } = await sweep();
    expect([code, json.exhibits]).toMatchObject([5, [{ lock: "lapsed", renewal: "renewed" }]]);
    expect((await sweep()).code).toBe(0);
  });

  test("a lock that cannot be read is exit 9 and no act", async () => {
    await collect();
    fake.denied.add("GetObjectRetention");
    const { code, json } = await sweep();
    expect([code, json.outcome, json.exhibits[0]?.lock, json.exhibits[0]?.acts]).toEqual([9, "unread", "unread", []]);
  });
});
