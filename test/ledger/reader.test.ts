import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { copyDatabase } from "../../src/ledger/store/copy-database.ts";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import { readLogKeys } from "../../src/ledger/keys/log-keys.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { damages } from "../damaged/damages.ts";
import { forever, notes, open, opening, ORIGIN, pathsIn, tempHome } from "./support.ts";

describe("a reader", () => {
  test("sees what was signed while the writer is still open, and nothing that waits for its signature", async () => {
    using home = tempHome();
    const reader = openReader(home.paths);
    expect([reader.size(), reader.checkpoint()?.size, [...reader.acts({})]]).toEqual([0, "0", []]);
    const sizes: number[] = [];
    const recorder = await open(home.paths, {
      onStep: (step) => {
        if (step === "committed" || step === "swapped") sizes.push(reader.size());
      },
    });
    await recorder.append(notes(2));
    await recorder.append(notes(1));
    expect(sizes).toEqual([0, 2, 2, 3]);
    expect([...reader.acts({})].map((act) => act.reason)).toEqual(["note 0", "note 1", "note 0"]);
    await recorder.close();
    reader.close();
  });

  test("pages through more acts than it holds at once", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append([opening("A"), ...notes(600)]);
    await recorder.close();
    const reader = openReader(home.paths);
    expect([...reader.acts({})].map((act) => act.seq)).toEqual(Array.from({ length: 601 }, (_, i) => i));
    reader.close();
  });

  test("does not read an altered entry as if it were an act", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(3));
    await recorder.close();
    await damages.find((d) => d.name === "edited leaf")?.damage(home.paths);
    const reader = openReader(home.paths);
    expect(reader.act(0).reason).toBe("note 0");
    expect(() => reader.act(1)).toThrow(/entry 1 .* altered/);
    expect(() => [...reader.acts({})]).toThrow(/altered/);
    reader.close();
  });
});

describe("a home that cannot be written", () => {
  test("is copied with what its WAL holds, into a private folder that is removed", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(2));
    expect(statSync(`${home.paths.ledger}-wal`).size).toBeGreaterThan(0);
    const copy = copyDatabase(home.paths.ledger);
    const db = new Database(copy.file, { readonly: true });
    expect(db.prepare("SELECT count(*) FROM entry").pluck().get()).toBe(2);
    db.close();
    copy.remove();
    expect(existsSync(copy.file)).toBe(false);
    await recorder.close();
  });

  // Only a read-only mount stops root; elsewhere the copy itself is tested above.
  const canMount = process.platform === "linux" && process.getuid?.() === 0 && succeeds("sh", ["-c", "unshare -m true"]);
  test.skipIf(!canMount)("is audited and read, and leaves nothing behind", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(2));
    await recorder.close();
    for (const file of [home.paths.ledger, home.paths.head]) for (const end of ["-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
    using other = tempHome();
    const scratch = join(other.dir, "scratch");
    mkdirSync(scratch);
    const child = fileURLToPath(new URL("audit-child.ts", import.meta.url));
    const script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$2" "$3" "$1"';
    const said = execFileSync("sh", ["-c", `exec unshare -m sh -c '${script}' sh "$@"`, "sh", home.dir, process.execPath, child], {
      encoding: "utf8",
      env: { ...process.env, TMPDIR: scratch },
    });
    expect(JSON.parse(said)).toEqual({ verdict: "intact", size: "2", acts: ["note 0", "note 1"], write: "ledger" });
    expect(readdirSync(scratch)).toEqual([]);
  });
});

describe("the keys of a log", () => {
  test("that a dead maker left behind are taken over", () => {
    using home = tempHome();
    const keys = readLogKeys(home.paths.keys);
    const paths = pathsIn(join(home.dir, "new"));
    const kept = { ...paths, keys: home.paths.keys };
    rmSync(join(home.paths.keys, "log.vkey"));
    const again = createLedger(kept, ORIGIN, randomBytes, () => new Date());
    expect(again.vkeys.map((k) => k.keyId)).toEqual(keys.vkeys.map((k) => k.keyId));
  });

  test("are both needed to write", async () => {
    using home = tempHome();
    const file = join(home.paths.keys, "log.vkey");
    const [ed = ""] = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, `${ed}\n`);
    await expect(open(home.paths)).rejects.toThrow(/ml-dsa-44/);
    expect((await auditLedger(home.paths, forever)).verdict).toBe("intact");
  });
});

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
