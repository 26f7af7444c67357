import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { putSmall } from "../../src/core/small-object.ts";
import type { Vault } from "../../src/core/vault.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { openKeys, sealKeys } from "../../src/ledger/keys/key-backup.ts";
import { formatVkey } from "../../src/ledger/keys/log-key.ts";
import { installKeys, keyFiles, readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { mirroredLogs } from "../../src/ledger/mirror/mirrored-log.ts";
import { newestMirrored, rebuildLedger } from "../../src/ledger/mirror/restore-ledger.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { type S3Fake, startS3Fake } from "../clouds/s3-fake.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";
import { inSeconds } from "../suite/vault-bench.ts";
import { revokeKeys } from "./key-support.ts";
import { append, copyOf, folder, keysUnder, mirror } from "./mirror-support.ts";
import { draft, forever, notes, open, opening, ORIGIN, pathsIn, tempHome } from "./support.ts";

let fake: S3Fake;
let vault: Vault;
let used = 0;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: Array.from({ length: 20 }, (_, i) => ({ name: `b${i}`, objectLock: true })) });
});
beforeEach(() => {
  used += 1;
  vault = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: `b${used}` });
});
afterAll(async () => {
  expect(fake.violations).toEqual([]);
  await fake.stop();
});

/** A new place with the keys of an old one. */
async function restoreBeside(dir: string, from: LedgerPaths): Promise<LedgerPaths> {
  const at = join(dir, "restored");
  mkdirSync(at);
  const paths = pathsIn(at);
  const keys = installKeys(paths.keys, keyFiles(from.keys));
  await rebuildLedger(paths, vault, await newestMirrored(vault, keys, forever), { clock: () => new Date(), random: randomBytes }, forever);
  return paths;
}

const tables = (paths: LedgerPaths, names: readonly string[]): unknown[] => {
  const db = new Database(paths.ledger, { readonly: true });
  try {
    return names.map((name) => db.prepare(`SELECT * FROM ${name}`).all());
  } finally {
    db.close();
  }
};

test("every table but the kept notes is the same as before, the audit finds nothing, and the log goes on", async () => {
  using home = tempHome();
  const recorder = await open(home.paths);
  await recorder.append([opening("C-1"), draft("started", { case: "C-1", collection: "c", reserve: 2, lease: 3, once: "c/started" })]);
  await recorder.append([draft("finished", { case: "C-1", collection: "c", lease: 3, once: "c/finished" })]);
  await recorder.append(notes(600));
  await recorder.close();
  await mirror(home.paths, vault);
  const paths = await restoreBeside(home.dir, home.paths);
  const names = ["entry", "tile", "act", "opened", "exhibit", "lease"];
  expect(tables(paths, names)).toEqual(tables(home.paths, names));
  expect(await auditLedger(paths, forever)).toMatchObject({ verdict: "intact", problems: [], found: { origin: ORIGIN, size: "603" } });
  await append(paths, 2);
  expect(await mirror(paths, vault)).toMatchObject({ size: 605, alarms: [] });
});

test("a mirrored checkpoint that is larger than any these keys signed stops the restore: never from a shorter tree", async () => {
  using home = tempHome();
  await append(home.paths, 3);
  await mirror(home.paths, vault);
  const retention = { mode: "compliance", retainUntil: inSeconds(3600), legalHold: false } as const;
  await putSmall(
    vault,
    { key: `${folder}checkpoint/${"9".padStart(20, "0")}`, mediaType: "text/plain", bytes: Buffer.from("of other keys"), retention },
    forever,
  );
  await expect(newestMirrored(vault, readVkeys(home.paths.keys), forever)).rejects.toMatchObject({
    code: "rollback",
    message: expect.stringMatching(/ 9 entries .*newest that they signed is of 3/),
  });
});

test("entries that are missing, or changed in the mirror, are named, and nothing is restored from them", async () => {
  using home = tempHome();
  await append(home.paths, 300);
  await mirror(home.paths, vault);
  const { keys } = fake.bucket(`b${used}`);
  const name = `holdfast/${folder}tile/entries/000`;
  const whole = keys.get(name) ?? [];
  keys.delete(name);
  await expect(restoreBeside(home.dir, home.paths)).rejects.toMatchObject({
    code: "altered",
    message: expect.stringMatching(/lacks .*entries\/000: entries 0 to 255 of the 300/),
  });
  rmSync(join(home.dir, "restored"), { recursive: true });
  using other = tempHome();
  await append(other.paths, 300);
  const elsewhere = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "b19" });
  await mirror(other.paths, elsewhere);
  const [first] = fake.bucket("b19").keys.get(name) ?? [];
  keys.set(
    name,
    whole.map((version) => ({ ...version, size: first?.size ?? 0, data: first?.data ?? null })),
  );
  await expect(restoreBeside(home.dir, home.paths)).rejects.toMatchObject({
    code: "altered",
    message: expect.stringContaining("entries of the mirror were changed"),
  });
});

test("two signed checkpoints of one size are a fork, and nothing is restored", async () => {
  using home = tempHome();
  await append(home.paths, 3);
  using copy = copyOf(home.dir);
  await append(home.paths, 2);
  await append(copy.paths, 2);
  await mirror(home.paths, vault);
  const elsewhere = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "b18" });
  await mirror(copy.paths, elsewhere);
  const key = `holdfast/${folder}checkpoint/${"5".padStart(20, "0")}`;
  fake
    .bucket(`b${used}`)
    .keys.get(key)
    ?.unshift(...(fake.bucket("b18").keys.get(key) ?? []));
  await expect(newestMirrored(vault, readVkeys(home.paths.keys), forever)).rejects.toMatchObject({ code: "fork" });
});

test("the logs of a vault are those whose key list lies in their own folder", async () => {
  using home = tempHome();
  using other = tempHome("ledger.example/l/other");
  await append(home.paths, 1);
  await mirror(home.paths, vault);
  expect((await mirroredLogs(vault, forever)).map(({ origin }) => origin)).toEqual([ORIGIN]);
  const stray = { key: `ledger/elsewhere/log.vkey`, mediaType: "text/plain", bytes: Buffer.from(keyFiles(other.paths.keys)["log.vkey"] ?? "") };
  await putSmall(vault, { ...stray, retention: { mode: "compliance", retainUntil: inSeconds(3600), legalHold: false } }, forever);
  expect((await mirroredLogs(vault, forever)).map(({ origin }) => origin)).toEqual([ORIGIN]);
});

test("a key backup opens with its passphrase alone, and no changed file opens at all", async () => {
  const files = { "log.vkey": "v", "log.ed25519.key": "private" };
  const backup = await sealKeys(ORIGIN, files, "four plain words here", "2026-01-01T00:00:00.000Z", randomBytes);
  expect(backup).not.toContain("private");
  expect(await openKeys(backup, "four plain words here")).toEqual({ origin: ORIGIN, files });
  await expect(openKeys(backup, "four plain words hers")).rejects.toMatchObject({ code: "refused" });
  for (const [from, to] of [
    [ORIGIN, "ledger.example/l/tess"],
    ["2026-01-01", "2026-01-02"],
  ] as const)
    await expect(openKeys(backup.replace(from, to), "four plain words here")).rejects.toMatchObject({ code: "refused" });
  await expect(openKeys(backup.replace('"N": 131072', '"N": 1073741824'), "four plain words here")).rejects.toMatchObject({ code: "usage" });
  await expect(sealKeys(ORIGIN, files, "short", "2026-01-01T00:00:00.000Z", randomBytes)).rejects.toMatchObject({ code: "usage" });
}, 60_000);

test("after a change of keys the mirror goes on, the newest backup restores, and one of before is refused: never from a shorter tree", async () => {
  using home = tempHome();
  await append(home.paths, 3);
  await mirror(home.paths, vault);
  const old = keyFiles(home.paths.keys);
  const from = await revokeKeys(home.paths);
  await append(home.paths, 2);
  expect(await mirror(home.paths, vault)).toMatchObject({ size: 6, alarms: [] });
  expect(await keysUnder(vault, `${folder}log.vkey`)).toEqual(["", `-${String(from).padStart(20, "0")}`]);
  expect((await mirroredLogs(vault, forever))[0]?.vkeys.map(formatVkey)).toEqual(readVkeys(home.paths.keys).vkeys.map(formatVkey));
  const stale = installKeys(join(home.dir, "stale"), old);
  await expect(newestMirrored(vault, stale, forever)).rejects.toMatchObject({
    code: "rollback",
    message: expect.stringContaining("Use the newest key backup"),
  });
  const paths = await restoreBeside(home.dir, home.paths);
  expect(await auditLedger(paths, forever)).toMatchObject({ verdict: "intact", problems: [], found: { size: "6" } });
});
