import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { forever, notes, open, opening, tempHome } from "./support.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function filesOf(dir: string): ReadonlyMap<string, string> {
  return new Map(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
      .map((name) => [name, sha256(readFileSync(join(dir, name)))]),
  );
}

async function grown(home: ReturnType<typeof tempHome>, ...counts: readonly number[]): Promise<void> {
  const recorder = await open(home.paths);
  for (const count of counts) await recorder.append(notes(count));
  await recorder.close();
}

describe("an export", () => {
  test("into one folder again and again is the same as one export at the end, and rewrites no full tile", async () => {
    using home = tempHome();
    const out = join(home.dir, "out");
    expect((await exportLedger(home.paths, out, forever)).checkpoint.size).toBe("0");
    for (const count of [1, 254, 1, 300, 212]) {
      await grown(home, count);
      await exportLedger(home.paths, out, forever);
    }
    const once = join(home.dir, "once");
    const report = await exportLedger(home.paths, once, forever);
    expect(report.checkpoint.size).toBe("768");
    const [all, end] = [filesOf(out), filesOf(once)];
    for (const [name, hash] of end) expect([name, all.get(name)]).toEqual([name, hash]);
    expect([...end.keys()].sort()).toEqual(
      ["checkpoint", "log.vkey", "tile/0/000", "tile/0/001", "tile/0/002", "tile/1/000.p/3", "tile/entries/000", "tile/entries/001", "tile/entries/002"].sort(),
    );
    const stamp = statSync(join(out, "tile/0/000"), { bigint: true });
    await grown(home, 10);
    expect(await exportLedger(home.paths, out, forever)).toMatchObject({ from: "768", files: "3" });
    expect(statSync(join(out, "tile/0/000"), { bigint: true })).toMatchObject({ ino: stamp.ino, mtimeNs: stamp.mtimeNs });
  });

  test("of nothing new writes nothing", async () => {
    using home = tempHome();
    await grown(home, 5);
    const out = join(home.dir, "out");
    await exportLedger(home.paths, out, forever);
    const before = filesOf(out);
    expect(await exportLedger(home.paths, out, forever)).toMatchObject({ files: "0", bytes: "0", from: "5" });
    expect(filesOf(out)).toEqual(before);
  });

  test("goes on where a killed one stopped, before its checkpoint", async () => {
    using home = tempHome();
    await grown(home, 300);
    const out = join(home.dir, "out");
    await exportLedger(home.paths, out, forever);
    const whole = filesOf(out);
    for (const name of ["checkpoint", "tile/entries/001.p/44", "tile/0/000"]) rmSync(join(out, name));
    writeFileSync(join(out, ".export-left-behind"), "half");
    await exportLedger(home.paths, out, forever);
    rmSync(join(out, ".export-left-behind"));
    expect(filesOf(out)).toEqual(whole);
  });

  test("sweeps up what killed ones left, and leaves alone what may be of one that runs", async () => {
    using home = tempHome();
    const out = join(home.dir, "out");
    await exportLedger(home.paths, out, forever);
    for (const name of [".export-old", ".export-new"]) writeFileSync(join(out, name), "half");
    utimesSync(join(out, ".export-old"), new Date(Date.now() - 700_000), new Date(Date.now() - 700_000));
    await grown(home, 3);
    await exportLedger(home.paths, out, forever);
    expect(readdirSync(out).sort()).toEqual([".export-new", "checkpoint", "log.vkey", "tile"]);
  });

  test("beside another one of the same folder: each ends whole or is refused, and the newer checkpoint stays", async () => {
    using home = tempHome();
    const out = join(home.dir, "out");
    await grown(home, 600);
    const results = await Promise.allSettled([1, 2, 3].map(() => exportLedger(home.paths, out, forever)));
    expect(results.some((r) => r.status === "fulfilled")).toBe(true);
    for (const r of results) if (r.status === "rejected") expect(r.reason).toMatchObject({ code: "refused" });
    const once = join(home.dir, "once");
    await exportLedger(home.paths, once, forever);
    expect(filesOf(out)).toEqual(filesOf(once));
  });

  test("is stopped by its signal, and leaves no checkpoint", async () => {
    using home = tempHome();
    await grown(home, 300);
    const out = join(home.dir, "out");
    await expect(exportLedger(home.paths, out, AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
    expect(filesOf(out).has("checkpoint")).toBe(false);
  });
});

describe("a folder that is no prefix of the ledger is refused, and its checkpoint stays", () => {
  type Case = readonly [string, string, (home: ReturnType<typeof tempHome>, out: string) => Promise<void>];
  const save = (home: ReturnType<typeof tempHome>): void => cpSync(home.dir, `${home.dir}-saved`, { recursive: true });
  const restore = (home: ReturnType<typeof tempHome>, out: string): void => {
    for (const name of readdirSync(home.dir)) if (join(home.dir, name) !== out) rmSync(join(home.dir, name), { recursive: true });
    cpSync(`${home.dir}-saved`, home.dir, { recursive: true });
    rmSync(`${home.dir}-saved`, { recursive: true });
  };
  const flip = (file: string, at: number): void => {
    const bytes = readFileSync(file);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  };
  const cases: readonly Case[] = [
    [
      "a home that was rolled back",
      "rollback",
      async (home, out) => {
        save(home);
        await grown(home, 10);
        await exportLedger(home.paths, out, forever);
        restore(home, out);
      },
    ],
    [
      "a home rolled back and grown to the same size",
      "fork",
      async (home, out) => {
        save(home);
        await grown(home, 10);
        await exportLedger(home.paths, out, forever);
        restore(home, out);
        await grown(home, 10);
      },
    ],
    [
      "a home rolled back and grown further",
      "fork",
      async (home, out) => {
        save(home);
        await grown(home, 10);
        await exportLedger(home.paths, out, forever);
        restore(home, out);
        await grown(home, 300);
      },
    ],
    [
      "a home rolled back and grown past full tiles",
      "fork",
      async (home, out) => {
        save(home);
        await grown(home, 256 - 20);
        await exportLedger(home.paths, out, forever);
        restore(home, out);
        await grown(home, 700);
      },
    ],
    [
      "another ledger of the same origin",
      "fork",
      async (_home, out) => {
        using other = tempHome();
        await grown(other, 5);
        await exportLedger(other.paths, out, forever);
      },
    ],
    [
      "a checkpoint with a changed bit",
      "fork",
      async (home, out) => {
        await exportLedger(home.paths, out, forever);
        flip(join(out, "checkpoint"), 120);
        await grown(home, 3);
      },
    ],
    [
      "a partial tile with a changed bit",
      "altered",
      async (home, out) => {
        await exportLedger(home.paths, out, forever);
        flip(join(out, "tile/0/000.p/20"), 33);
        await grown(home, 3);
      },
    ],
    [
      "a partial tile that is gone",
      "altered",
      async (home, out) => {
        await exportLedger(home.paths, out, forever);
        rmSync(join(out, "tile/0/000.p/20"));
        await grown(home, 3);
      },
    ],
    [
      "other files",
      "usage",
      async (_home, out) => {
        mkdirSync(out);
        writeFileSync(join(out, "thesis.txt"), "mine");
      },
    ],
    [
      "keys of another log",
      "fork",
      async (_home, out) => {
        mkdirSync(out);
        writeFileSync(join(out, "log.vkey"), "x");
      },
    ],
  ];
  test.for(cases)("%s: %s", async ([, code, prepare]) => {
    using home = tempHome();
    const out = join(home.dir, "out");
    const recorder = await open(home.paths);
    await recorder.append([opening("C-1"), ...notes(19)]);
    await recorder.close();
    await prepare(home, out);
    const before = filesOf(out).get("checkpoint");
    await expect(exportLedger(home.paths, out, forever)).rejects.toMatchObject({ code });
    expect(filesOf(out).get("checkpoint")).toBe(before);
  });
});
