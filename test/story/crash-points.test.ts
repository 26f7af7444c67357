import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { startFaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake } from "../clouds/s3-fake.ts";
import { type CollectJson, holdfast, holdfastJson, startHoldfast, temporary } from "./holdfast.ts";
import { makeImage } from "./images.ts";
import { s3Home } from "./s3-home.ts";

const mib = 1024 * 1024;
type Custody = { readonly acts: readonly { readonly act: string; readonly detail: { readonly text?: string } }[] };

function logsIn(dir: string): string {
  const logs = join(dir, "logs");
  mkdirSync(logs);
  writeFileSync(join(logs, "a.log"), "x\n");
  return logs;
}

describe("what asks for evidence and does not get it is never success", () => {
  test("a kind that the target does not offer is an exhibit with that outcome, exit 4", async () => {
    using dir = temporary("kinds");
    const home = join(dir.path, "home");
    const { code, json } = await holdfastJson<CollectJson>(
      ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "access-logs,capture", "--log", logsIn(dir.path)],
      { home },
    );
    expect([code, json.outcome, json.collections[0]?.exhibits.map((e) => [e.kind, e.outcome])]).toEqual([
      4,
      "partial",
      [
        ["access-logs", "collected"],
        ["capture", "unavailable"],
      ],
    ]);
  });

  test("an interrupted collection is not `collected`, and a refused target is named", async () => {
    using dir = temporary("outcome");
    const fake = await startS3Fake({ buckets: [{ name: "another", objectLock: true }] });
    try {
      const ran = await holdfastJson<CollectJson & { refused: { target: string }[] }>(
        ["collect", "host:local", "ssh://db1", "--case", "K", "--reason", "r", "--kind", "access-logs", "--log", logsIn(dir.path)],
        s3Home(dir.path, fake.url, fake.credentials),
      );
      expect([ran.code, ran.json.outcome, ran.json.collections.map((c) => c.outcome), ran.json.refused.map((r) => r.target)]).toEqual([
        8,
        "failed",
        ["failed"],
        ["ssh://db1"],
      ]);
    } finally {
      await fake.stop();
    }
  });

  test("wrong credentials are exit 3 and leave the collection to be resumed", async () => {
    using dir = temporary("wrong");
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    try {
      const options = s3Home(dir.path, fake.url, fake.credentials);
      const wrong = { ...options, env: { ...options.env, AWS_SECRET_ACCESS_KEY: "wrong" } };
      const ran = await holdfast(["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "access-logs", "--log", logsIn(dir.path)], wrong);
      expect(ran.code, ran.stderr).toBe(3);
      const id = /holdfast resume (\S+)/.exec(ran.stderr)?.[1] ?? "";
      expect((await holdfast(["resume", id], options)).stdout).toMatch(/sealed until/);
    } finally {
      await fake.stop();
    }
  });

  test("a reason that the last act could not hold is refused at the first", async () => {
    using dir = temporary("reason");
    const ran = await holdfast(["collect", "host:local", "--case", "K", "--reason", "a".repeat(5000), "--kind", "access-logs", "--log", logsIn(dir.path)], {
      home: join(dir.path, "home"),
    });
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(/reason: 5000 bytes/)]);
  });

  test("the ledger's keys and the vault never become evidence, and that is said", async () => {
    using dir = temporary("own");
    const home = join(dir.path, "home");
    expect((await holdfast(["init"], { home })).code).toBe(0);
    const { code, json } = await holdfastJson<CollectJson>(["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "access-logs", "--log", home], {
      home,
    });
    expect([code, json.collections[0]?.exhibits[0]?.coverage?.gaps.map((g) => g.what)]).toEqual([4, expect.arrayContaining([join(home, "ledger")])]);
    const out = join(dir.path, "out.tar");
    expect((await holdfast(["fetch", "K/001", "--out", out, "--reason", "look"], { home })).code).toBe(0);
    expect(readFileSync(out, "latin1")).not.toContain("PRIVATE KEY");
  });
});

/** Puts a step back to what a crash before its last write to work.db would have left. */
function rewind(home: string, sql: string): void {
  const db = new Database(join(home, "work.db"));
  db.exec(`UPDATE collection SET state='interrupted'; ${sql}`);
  db.close();
}

describe("crashes between two stores", () => {
  test("after the outcome act and before the mark: nothing is written twice, whatever the source is by then", async () => {
    using dir = temporary("mark");
    const home = join(dir.path, "home");
    const image = join(dir.path, "gone.img");
    const collect = ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "disk-image", "--disk", image];
    const first = await holdfastJson<CollectJson>(collect, { home });
    expect(first.json.collections[0]?.exhibits[0]?.outcome).toBe("unavailable");
    rewind(home, "UPDATE step SET state='running'");
    makeImage(image, 4 * mib, 2); // now it is there, but the record says that it was not
    const resumed = await holdfastJson<CollectJson>(["resume", first.json.collections[0]?.collection ?? ""], { home });
    expect([resumed.code, resumed.json.collections[0]?.exhibits.map((e) => [e.outcome, e.stored])]).toEqual([4, [["unavailable", null]]]);
  });

  test("a kept result that was not recorded is recorded by cancel too: stored evidence is not called failed", async () => {
    using dir = temporary("kept");
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, [{ on: "GetObjectRetention", times: 1, does: { kind: "stall", milliseconds: 30_000 } }]);
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const { child, ended } = startHoldfast(
        ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "access-logs", "--log", logsIn(dir.path)],
        options,
      );
      await expect.poll(() => proxy.fired.length, { timeout: 30_000 }).toBeGreaterThan(0); // stored and kept, not yet attested
      child.kill("SIGKILL");
      await ended;
      proxy.clear();
      const { json } = await holdfastJson<{ collections: { collection: string }[] }>(["status"], options);
      expect((await holdfast(["cancel", json.collections[0]?.collection ?? ""], options)).code).toBe(0);
      const acts = (await holdfastJson<Custody>(["custody", "K/001"], options)).json.acts.map((a) => a.act);
      expect(acts).toEqual(["started", "collected", "sealed"]);
      expect((await holdfast(["resume", json.collections[0]?.collection ?? ""], options)).code).toBe(6);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });

  test("numbers that the ledger gave and the journal never heard of are closed by cancel", async () => {
    using dir = temporary("assign");
    const home = join(dir.path, "home");
    const first = await holdfastJson<CollectJson>(
      ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "access-logs", "--log", logsIn(dir.path)],
      { home },
    );
    const id = first.json.collections[0]?.collection ?? "";
    rewind(home, "UPDATE step SET state='waiting', exhibit=NULL, result=NULL");
    expect((await holdfast(["cancel", id], { home })).code).toBe(0);
    expect((await holdfastJson<{ verdict: string; problems: unknown[] }>(["ledger", "audit"], { home })).json.problems).toEqual([]);
  });

  test("an image that grew before a resume is `source changed`, from its old end on", async () => {
    using dir = temporary("grew");
    const image = join(dir.path, "disk.img");
    makeImage(image, 100 * mib, 4);
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, [
      { on: "UploadPart", from: 4, times: Number.POSITIVE_INFINITY, does: { kind: "stall", milliseconds: 60_000 } },
    ]);
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const { child, ended } = startHoldfast(
        ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "disk-image", "--disk", image, "--compress", "none"],
        options,
      );
      await expect.poll(() => proxy.fired.length, { timeout: 30_000 }).toBeGreaterThan(0);
      child.kill("SIGKILL");
      await ended;
      proxy.clear();
      writeFileSync(image, Buffer.alloc(mib, 1), { flag: "a" });
      const { json } = await holdfastJson<{ collections: { collection: string }[] }>(["status"], options);
      const resumed = await holdfastJson<CollectJson>(["resume", json.collections[0]?.collection ?? ""], options);
      expect([resumed.code, resumed.json.collections[0]?.exhibits[0]?.detail]).toEqual([
        4,
        expect.stringMatching(new RegExp(`source changed.*offset ${100 * mib}`)),
      ]);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });
});
