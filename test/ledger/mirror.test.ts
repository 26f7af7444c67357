import { createHash } from "node:crypto";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Vault } from "../../src/core/vault.ts";
import { openCheckpoint } from "../../src/ledger/format/checkpoint.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { auditMirror } from "../../src/ledger/mirror/mirror-audit.ts";
import { mirrorFolder } from "../../src/ledger/mirror/mirror-names.ts";
import { parseBundle } from "../../src/ledger/format/tlog-tiles.ts";
import { type FaultProxy, startFaultProxy } from "../clouds/fault-proxy.ts";
import { type S3Fake, startS3Fake } from "../clouds/s3-fake.ts";
import { s3ClientOf, s3VaultOf } from "../suite/s3-bench.ts";
import { append, copyOf, folder, keysUnder, mirror } from "./mirror-support.ts";
import { forever, tempHome } from "./support.ts";

let fake: S3Fake;
let proxy: FaultProxy;
let vault: Vault;
const bucket = (): string => `b${fakes}`;
let fakes = 0;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: Array.from({ length: 40 }, (_, i) => ({ name: `b${i}`, objectLock: true })) });
});
beforeEach(async () => {
  fakes += 1;
  proxy = await startFaultProxy(fake.url, []);
  vault = s3VaultOf(
    { endpoint: proxy.url, credentials: fake.credentials, bucket: bucket() },
    { attempts: 2, requestTimeoutMs: 500, sleep: async () => undefined },
  );
});
afterEach(async () => {
  vault.close();
  await proxy.stop();
  expect(fake.violations).toEqual([]);
});
afterAll(() => fake.stop());

const checkpointKey = (size: number): string => `${folder}checkpoint/${String(size).padStart(20, "0")}`;
async function overwrite(key: string, Body: Buffer): Promise<void> {
  const client = s3ClientOf({ endpoint: fake.url, credentials: fake.credentials, bucket: bucket() });
  await client.send(
    new PutObjectCommand({ Bucket: bucket(), Key: `holdfast/${key}`, Body, ChecksumSHA256: createHash("sha256").update(Body).digest("base64") }),
  );
  client.destroy();
}
const bodyOf = (key: string): Buffer => Buffer.concat(fake.bucket(bucket()).keys.get(`holdfast/${key}`)?.[0]?.data ?? []);

describe("what is mirrored", () => {
  test("a checkpoint a size, the entries in C2SP bundles and the keys, each locked and never written twice", async () => {
    using home = tempHome();
    for (const [count, size] of [
      [3, 3],
      [297, 300],
      [220, 520],
    ] as const) {
      await append(home.paths, count);
      expect(await mirror(home.paths, vault)).toMatchObject({ size, alarms: [] });
    }
    expect(await mirror(home.paths, vault)).toEqual({ size: 520, written: 0, alarms: [] });
    expect(await keysUnder(vault, folder)).toEqual(
      [
        ...[3, 300, 520].map((size) => `checkpoint/${String(size).padStart(20, "0")}`),
        "log.vkey",
        ...["000", "000.p/3", "001", "001.p/44", "002.p/8"].map((name) => `tile/entries/${name}`),
      ].toSorted(),
    );
    for (const versions of fake.bucket(bucket()).keys.values()) expect(versions.map(({ retention }) => retention?.mode)).toEqual(["COMPLIANCE"]);
    const { origin, vkeys } = readVkeys(home.paths.keys);
    expect(openCheckpoint(bodyOf(checkpointKey(300)), origin, vkeys).size).toBe(300);
    expect(parseBundle(bodyOf(`${folder}tile/entries/001.p/44`), 44)).toHaveLength(44);
    expect(await auditMirror(home.paths, vault, forever)).toEqual({
      kind: "checked",
      covers: 520,
      time: expect.stringMatching(/Z$/),
      lock: "irrevocable",
      problems: [],
    });
  });

  test("a crash between the bundles and the checkpoint is made good by the next turn", async () => {
    using home = tempHome();
    await append(home.paths, 5);
    proxy.add({ on: "PutObject", from: 3, times: 9, does: { kind: "answer", status: 403, code: "AccessDenied" } });
    await expect(mirror(home.paths, vault)).rejects.toMatchObject({ code: "vault" });
    proxy.clear();
    expect(await mirror(home.paths, vault)).toMatchObject({ size: 5, alarms: [] });
  });

  test("origins become folders that keep them apart, whatever is in them", () => {
    const origins = ["a/b", "a//b", "a/../b", "a/./b", "a%2Fb", "é/x", `${"x".repeat(230)}/y`, "a\\b", "A/b"];
    const folders = origins.map(mirrorFolder);
    expect(new Set(folders).size).toBe(origins.length);
    for (const name of folders) expect(name).toMatch(/^ledger\/(?!.*\/\.{1,2}\/)(?!.*\/\/)[A-Za-z0-9._~%/-]+\/$/);
    expect(mirrorFolder("evidence.example.org/l/2026")).toBe("ledger/evidence.example.org/l/2026/");
  });
});

describe("another history is found, and both sizes are named", () => {
  test("a home that was put back to an older copy: ROLLBACK", async () => {
    using home = tempHome();
    await append(home.paths, 4);
    using copy = copyOf(home.dir);
    await append(home.paths, 5);
    await mirror(home.paths, vault);
    await expect(mirror(copy.paths, vault)).rejects.toMatchObject({
      code: "rollback",
      message: expect.stringMatching(/ROLLBACK.* 9 entries, and this ledger has 4/),
    });
    expect(await auditMirror(copy.paths, vault, forever)).toMatchObject({
      covers: 0,
      problems: [{ kind: "rollback", text: expect.stringMatching(/ 9 entries.* 4/) }],
    });
  });

  test.each([5, 7, 2000])("and then gone on to another history of %i more acts: FORK", async (more) => {
    using home = tempHome();
    await append(home.paths, 4);
    using copy = copyOf(home.dir);
    await append(home.paths, 5);
    await mirror(home.paths, vault);
    await append(copy.paths, more);
    await expect(mirror(copy.paths, vault)).rejects.toMatchObject({
      code: "fork",
      message: expect.stringMatching(new RegExp(`FORK.* 9 entries .* ${4 + more} entries`)),
    });
    expect(await keysUnder(vault, `${folder}checkpoint/`)).toHaveLength(1);
  });
});

describe("a mirror that somebody was at", () => {
  test("a second version of a checkpoint is an alarm, found behind the newest", async () => {
    using home = tempHome();
    await append(home.paths, 4);
    await mirror(home.paths, vault);
    await overwrite(checkpointKey(4), Buffer.from("another\n"));
    await append(home.paths, 1);
    expect((await mirror(home.paths, vault)).alarms).toEqual([
      expect.stringMatching(/size 4 .* 2 versions/),
      expect.stringMatching(/size 4 .* not signed by this log's keys/),
    ]);
    expect(await auditMirror(home.paths, vault, forever)).toMatchObject({
      covers: 5,
      problems: [{ kind: "anchor-altered", text: expect.stringContaining("2 versions") }, { kind: "anchor-altered" }],
    });
  });

  test("a second version that our own keys signed for another history is a fork, whichever is newer", async () => {
    using home = tempHome();
    await append(home.paths, 4);
    using copy = copyOf(home.dir);
    await append(home.paths, 5);
    await append(copy.paths, 5);
    const other = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: bucket() }, { prefix: "other/" });
    await mirror(copy.paths, other);
    other.close();
    await mirror(home.paths, vault);
    await overwrite(checkpointKey(9), Buffer.concat(fake.bucket(bucket()).keys.get(`other/${checkpointKey(9)}`)?.[0]?.data ?? []));
    await append(home.paths, 1);
    await expect(mirror(home.paths, vault)).rejects.toMatchObject({ code: "fork", message: expect.stringContaining("two checkpoints of size 9") });
  });

  test("a larger checkpoint that nobody's keys signed is an alarm, and stops nothing", async () => {
    using home = tempHome();
    await append(home.paths, 4);
    await mirror(home.paths, vault);
    await overwrite(checkpointKey(9000), Buffer.from("planted\n"));
    await append(home.paths, 1);
    expect(await mirror(home.paths, vault)).toMatchObject({ size: 5, alarms: [expect.stringMatching(/size 9000 .* not signed by this log's keys/)] });
    expect(await auditMirror(home.paths, vault, forever)).toMatchObject({
      covers: 5,
      problems: [{ kind: "anchor-altered", text: expect.stringContaining("9000") }],
    });
  });

  test("a home that was begun anew under an origin that is mirrored already signs nothing: the old one is to be restored", async () => {
    using home = tempHome();
    using stranger = tempHome();
    await append(home.paths, 4);
    await append(stranger.paths, 9);
    const other = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: bucket() }, { prefix: "holdfast/" });
    await mirror(stranger.paths, other);
    other.close();
    await expect(mirror(home.paths, vault)).rejects.toMatchObject({
      code: "fork",
      message: expect.stringMatching(/under other keys, with a checkpoint of 9 entries, and this ledger has 4: .*holdfast restore/),
    });
    const found = await auditMirror(home.paths, vault, forever);
    expect(found).toMatchObject({
      kind: "checked",
      covers: 0,
      problems: expect.arrayContaining([{ kind: "anchor-altered", text: expect.stringContaining("not signed by this log's keys") }]),
    });
  });

  test("a delete marker over a checkpoint or over entries is seen, and the lock keeps what is under it", async () => {
    using home = tempHome();
    await append(home.paths, 4);
    await mirror(home.paths, vault);
    const client = s3ClientOf({ endpoint: fake.url, credentials: fake.credentials, bucket: bucket() });
    for (const key of [checkpointKey(4), `${folder}tile/entries/000.p/4`])
      await client.send(new DeleteObjectCommand({ Bucket: bucket(), Key: `holdfast/${key}` }));
    client.destroy();
    expect(await auditMirror(home.paths, vault, forever)).toMatchObject({
      covers: 4,
      problems: [{ text: expect.stringMatching(/checkpoint of size 4 .*delete marker/) }, { text: expect.stringMatching(/000\.p\/4.*delete marker/) }],
    });
  });
});

describe("a mirror in trouble", () => {
  test("one that is down or slow is unreachable to the audit, and nothing is said of the ledger", async () => {
    using home = tempHome();
    await append(home.paths, 4);
    for (const does of [{ kind: "answer", status: 503, code: "SlowDown" }, { kind: "stall-answer", milliseconds: 3000 }, { kind: "reset-before" }] as const) {
      proxy.add({ on: "any", times: 99, does });
      expect(await auditMirror(home.paths, vault, forever)).toMatchObject({ kind: "unreachable", text: expect.stringMatching(/vault s3/) });
      proxy.clear();
    }
  });

  test("entries that do not lead to the signed root are not locked away for years", async () => {
    using home = tempHome();
    await append(home.paths, 300);
    const { default: Database } = await import("better-sqlite3");
    const db = new Database(home.paths.ledger);
    db.exec("DROP TRIGGER entry_upd");
    const leaf = db.prepare("SELECT leaf FROM entry WHERE idx=10").pluck().get();
    db.prepare("UPDATE entry SET leaf=? WHERE idx=7").run(leaf);
    db.close();
    await expect(mirror(home.paths, vault)).rejects.toMatchObject({ code: "altered" });
    expect(await keysUnder(vault, folder)).toEqual(["log.vkey"]);
  });
});
