import { copyFileSync, cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { forever, notes, open, ORIGIN, pathsIn, tempHome } from "./support.ts";

describe("a new ledger", () => {
  test("is made once, and made again is left as it is", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(1));
    await recorder.close();
    const again = createLedger(home.paths, ORIGIN, randomBytes, () => new Date());
    expect(again.vkeys.map((k) => k.pub)).toEqual(readVkeys(home.paths.keys).vkeys.map((k) => k.pub));
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", found: { size: "1" } });
    expect(() => createLedger(home.paths, "ledger.example/l/other", randomBytes, () => new Date())).toThrow(/origin/);
  });

  test.for(["head", "ledger"] as const)("is never begun where %s.db of an old one is missing", async (part) => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(1));
    await recorder.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(`${home.paths[part]}${end}`, { force: true });
    expect(() => createLedger(home.paths, ORIGIN, randomBytes, () => new Date())).toThrow(/never begun again/);
    await expect(open(home.paths)).rejects.toThrow(/never begun again/);
    expect(existsSync(home.paths[part])).toBe(false);
  });

  test("is not begun under a head that signs entries", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(1));
    await recorder.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(`${home.paths.ledger}${end}`, { force: true });
    new Database(home.paths.ledger).close();
    expect(() => createLedger(home.paths, ORIGIN, randomBytes, () => new Date())).toThrow(/restore the ledger/);
  });

  test("moves with its folder", async () => {
    using home = tempHome();
    const there = pathsIn(join(home.dir, "moved"));
    cpSync(home.paths.keys, there.keys, { recursive: true });
    copyFileSync(home.paths.ledger, there.ledger);
    copyFileSync(home.paths.head, there.head);
    const recorder = await open(there);
    expect((await recorder.append(notes(1)))[0]?.seq).toBe(0);
    await recorder.close();
  });
});
