import { copyFileSync, chmodSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { openForWriting } from "../../src/ledger/store/database.ts";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import { LEDGER_APPLICATION_ID } from "../../src/ledger/store/schema.ts";
import { draft, forever, notes, open, tempHome } from "./support.ts";

describe("a writer", () => {
  test("whose head was moved by another takes in what the other wrote before it goes on", async () => {
    using home = tempHome();
    const [one, two] = [await open(home.paths), await open(home.paths)];
    for (let i = 0; i < 5; i += 1) {
      await one.append(notes(1));
      await two.append(notes(2));
    }
    const both = await Promise.all([one.append(notes(3)), two.append(notes(3)), one.append(notes(1)), two.append(notes(1))]);
    await one.close();
    await two.close();
    expect(new Set(both.flat().map((r) => r.seq)).size).toBe(8);
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", found: { size: "23" }, problems: [] });
  });

  test("over an older ledger.db is refused with rollback, and no file changes", async () => {
    using home = tempHome();
    copyFileSync(home.paths.ledger, `${home.paths.ledger}.old`);
    const recorder = await open(home.paths);
    await recorder.append(notes(2));
    await recorder.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(`${home.paths.ledger}${end}`, { force: true });
    copyFileSync(`${home.paths.ledger}.old`, home.paths.ledger);
    const head = readFileSync(home.paths.head);
    await expect(open(home.paths)).rejects.toMatchObject({ code: "rollback" });
    expect(readFileSync(home.paths.head)).toEqual(head);
  });

  test("with a copied ledger.db over the shared head is refused with fork once both have gone on", async () => {
    using home = tempHome();
    using copied = tempHome();
    const before = await open(home.paths);
    await before.append(notes(2));
    await before.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(`${copied.paths.ledger}${end}`, { force: true });
    copyFileSync(home.paths.ledger, copied.paths.ledger);
    const copy = { ...home.paths, ledger: copied.paths.ledger };
    const original = await open(home.paths);
    const other = await open(copy);
    await original.append(notes(1));
    await expect(other.append(notes(1))).rejects.toMatchObject({ code: "rollback" });
    await expect(other.append(notes(1))).rejects.toMatchObject({ code: "rollback" });
    await original.append(notes(1));
    await original.close();
    await other.close();
    expect((await auditLedger(home.paths, forever)).verdict).toBe("intact");
    expect((await auditLedger(copy, forever)).verdict).toBe("rollback");
  });

  test("in whose sight head.db goes back is refused with rollback", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    await recorder.append(notes(1));
    const db = new Database(home.paths.head);
    const old: unknown = db.prepare("SELECT body FROM checkpoints").pluck().get();
    await recorder.append(notes(1));
    db.prepare("UPDATE checkpoints SET body=?").run(old);
    db.close();
    await expect(recorder.append(notes(1))).rejects.toMatchObject({ code: "rollback" });
    await recorder.close();
  });

  test("does not sign for a committed entry that is not an act", async () => {
    using home = tempHome();
    const db = openForWriting(home.paths.ledger, LEDGER_APPLICATION_ID);
    const leaf = Buffer.from("{}");
    db.prepare("INSERT INTO entry VALUES(0,?,?)").run(leaf, leafHash(leaf));
    db.close();
    await expect(open(home.paths)).rejects.toMatchObject({ code: "fork" });
  });

  test("says that it is the ledger where the database cannot be used", async () => {
    using home = tempHome();
    const recorder = await open(home.paths);
    const db = new Database(home.paths.ledger);
    db.exec("DROP TABLE lease");
    db.close();
    await expect(recorder.append([draft("note", { collection: "c", lease: 1 })])).rejects.toMatchObject({ code: "ledger" });
    await recorder.close();
    await expect(open(home.paths)).rejects.toMatchObject({ code: "ledger" });
  });

  test("refuses keys of another origin, keys that others may read, and a key that is not its own", async () => {
    using home = tempHome();
    await expect(open(home.paths, { origin: "ledger.example/l/other" })).rejects.toMatchObject({ code: "config" });
    const file = join(home.paths.keys, "log.ed25519.key");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o640);
    await expect(open(home.paths)).rejects.toThrow(/chmod 600/);
    chmodSync(file, 0o600);
    using foreign = tempHome();
    copyFileSync(join(foreign.paths.keys, "log.ed25519.key"), file);
    await expect(open(home.paths)).rejects.toThrow(/not the private key/);
  });
});
