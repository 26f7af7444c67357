import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { ActReceipt } from "../../src/core/act.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { parseBody } from "../../src/ledger/format/checkpoint.ts";
import { parseNote } from "../../src/ledger/format/note.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { readHead } from "../damaged/tamper.ts";
import { draft, forever, notes, open, opening, pathsIn, tempHome } from "./support.ts";

const child = fileURLToPath(new URL("append-child.ts", import.meta.url));

function start(
  dir: string,
  name: string,
  count: number,
  step: string = "never",
  at: number = 1,
): { readonly process: ChildProcess; readonly ended: Promise<{ receipts: ActReceipt[]; signal: string | null; code: number | null; stderr: string }> } {
  const process_ = spawn(process.execPath, [child, dir, name, String(count), step, String(at)], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let stderr = "";
  process_.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  process_.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ receipts: ActReceipt[]; signal: string | null; code: number | null; stderr: string }>((resolve) => {
    process_.on("close", (code, signal) => {
      const lines = out.split("\n").slice(0, -1);
      resolve({ receipts: lines.flatMap((line): ActReceipt[] => JSON.parse(line)), signal, code, stderr });
    });
  });
  return { process: process_, ended };
}

/** Every receipt that was given names an act that is there, under a head of which the present one is a continuation. */
function demandKept(paths: LedgerPaths, receipts: readonly ActReceipt[]): void {
  const reader = openReader(paths);
  for (const receipt of receipts) expect(reader.act(receipt.seq)).toMatchObject({ leafHash: receipt.leafHash });
  reader.close();
}

/** All heads that were ever swapped in: the kept notes and head.db. */
function heads(paths: LedgerPaths): Map<number, Set<string>> {
  const db = new Database(paths.ledger, { readonly: true });
  const bodies = [...db.prepare<[], Buffer>("SELECT note FROM checkpoint").pluck().all(), readHead(paths)];
  db.close();
  const found = new Map<number, Set<string>>();
  for (const body of bodies) {
    const { size, root } = parseBody(parseNote(body).text);
    found.set(size, (found.get(size) ?? new Set()).add(root.toString("hex")));
  }
  return found;
}

describe("kill -9", () => {
  test.for(["inserted", "committed", "signed", "swapped"].flatMap((step) => [1, 2, 4].map((at) => ({ step, at }))))(
    "after $step, the $at. time, loses no act that had a receipt and gives no receipt for a lost one",
    async ({ step, at }) => {
      using home = tempHome();
      const before = await open(home.paths);
      const first = await before.append([...notes(2), opening("A")]);
      await before.close();
      const killed = await start(home.dir, "k", 5, step, at).ended;
      expect(killed).toMatchObject({ signal: "SIGKILL" });
      // The commit of the case is the first, so AT - 2 later ones were answered before the kill.
      expect(killed.receipts.length).toBe(2 * Math.max(0, at - 2));
      const headBefore = readHead(home.paths);

      const after = await open(home.paths);
      demandKept(home.paths, [...first, ...killed.receipts]);
      const mid = await auditLedger(home.paths, forever);
      expect(mid).toMatchObject({ verdict: "intact" });
      expect(mid.signed).toEqual(mid.found);
      // Entries: 3 before, the case, two an append. Whether the one under way counts depends on whether it had been committed.
      const done = at - (step === "inserted" ? 1 : 0);
      expect(mid.found.size).toBe(String(3 + (done === 0 ? 0 : 1 + 2 * (done - 1))));
      if (step === "swapped" || step === "inserted") expect(readHead(home.paths)).toEqual(headBefore);

      const more = await after.append([
        draft("note", { reason: "after" }),
        opening("SHARED"),
        draft("started", { case: "SHARED", collection: "k-0", once: "k-0/started", reserve: 2 }),
      ]);
      await after.close();
      expect(more[2]?.exhibits).toEqual(["SHARED/001", "SHARED/002"]);
      for (const roots of heads(home.paths).values()) expect(roots.size).toBe(1);
      const end = await auditLedger(home.paths, forever);
      expect(end.verdict).toBe("intact");
      expect(end.problems.filter((p) => p.kind !== "start-without-end")).toEqual([]);
    },
  );

  test("at random moments, again and again, ends in one history with every answered act", async () => {
    using home = tempHome();
    const receipts: ActReceipt[] = [];
    for (let round = 0; round < 6; round += 1) {
      const run = start(home.dir, `r${round}`, 10_000);
      await new Promise((resolve) => run.process.stdout?.once("data", resolve));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      run.process.kill("SIGKILL");
      receipts.push(...(await run.ended).receipts);
    }
    const last = await open(home.paths);
    await last.close();
    demandKept(home.paths, receipts);
    const audit = await auditLedger(home.paths, forever);
    expect(audit.verdict).toBe("intact");
    expect(audit.signed).toEqual(audit.found);
    expect(receipts.length).toBeGreaterThanOrEqual(12);
    for (const roots of heads(home.paths).values()) expect(roots.size).toBe(1);
  });
});

describe("several processes at once", () => {
  test("on one home keep numbers contiguous and acts whole, and every receipt holds", async () => {
    using home = tempHome();
    const runs = await Promise.all(["a", "b", "c", "d"].map((name) => start(home.dir, name, 15).ended));
    expect(runs.map((run) => [run.code, run.stderr])).toEqual(runs.map(() => [0, ""]));
    const receipts = runs.flatMap((run) => run.receipts);
    expect(receipts.length).toBe(4 * 15 * 2);
    demandKept(home.paths, receipts);
    const numbers = receipts
      .flatMap((r) => r.exhibits)
      .map((id) => Number(id.split("/")[1]))
      .sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [], found: { size: "121" } });
    for (const roots of heads(home.paths).values()) expect(roots.size).toBe(1);
  });

  test("on a home that is not made yet make one ledger", async () => {
    const dir = mkdtempSync(join(tmpdir(), "holdfast-ledger-"));
    try {
      const makers = Array.from({ length: 5 }, () => promisify(execFile)(process.execPath, [fileURLToPath(new URL("create-child.ts", import.meta.url)), dir]));
      expect((await Promise.allSettled(makers)).map((end) => end.status)).toEqual(makers.map(() => "fulfilled"));
      expect(await auditLedger(pathsIn(dir), forever)).toMatchObject({ verdict: "intact", problems: [], found: { size: "5" } });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test("with one of them killed in the middle of a commit, the others go on", async () => {
    using home = tempHome();
    const victims = ["inserted", "committed", "signed", "swapped"].map((step) => start(home.dir, `victim-${step}`, 10, step, 3).ended);
    const survivors = ["x", "y"].map((name) => start(home.dir, name, 20).ended);
    const ends = await Promise.all([...victims, ...survivors]);
    expect(ends.map((end) => end.signal ?? end.code)).toEqual(["SIGKILL", "SIGKILL", "SIGKILL", "SIGKILL", 0, 0]);
    demandKept(
      home.paths,
      ends.flatMap((end) => end.receipts),
    );
    const audit = await auditLedger(home.paths, forever);
    expect(audit.verdict).toBe("intact");
    expect(audit.problems.filter((p) => p.kind !== "start-without-end")).toEqual([]);
  });

  test("an audit beside a running writer finds nothing wrong", async () => {
    using home = tempHome();
    const run = start(home.dir, "w", 150);
    await new Promise((resolve) => run.process.stdout?.once("data", resolve));
    const verdicts: string[] = [];
    for (let i = 0; i < 8; i += 1) verdicts.push((await auditLedger(home.paths, forever)).verdict);
    expect(new Set(verdicts)).toEqual(new Set(["intact"]));
    expect((await run.ended).code).toBe(0);
  });
});
