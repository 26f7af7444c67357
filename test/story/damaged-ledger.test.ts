import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { damages } from "../damaged/damages.ts";
import { holdfast, holdfastJson, temporary, type VerifyJson } from "./holdfast.ts";

type AuditJson = {
  readonly verdict: string;
  readonly assurance: string;
  readonly size: string;
  readonly problems: readonly { readonly kind: string; readonly text: string }[];
};

/** The damages that stand in the way of somebody who only looks; the others are the audit's to find. */
const metByReaders = [
  "edited leaf",
  "one byte of the file changed",
  "altered hash column",
  "index row deleted",
  "head altered",
  "wrong key",
  "head.db overwritten",
  "head.db deleted",
  "ledger.db cut short",
  "ledger.db deleted",
];

let dir: ReturnType<typeof temporary>;
let whole = "";
beforeAll(async () => {
  dir = temporary("damaged");
  whole = join(dir.path, "whole");
  const logs = join(dir.path, "logs");
  mkdirSync(logs);
  writeFileSync(join(logs, "a.log"), "x\n");
  await holdfast(["collect", "host:local", "--case", "D-1", "--reason", "r", "--kind", "access-logs", "--log", logs], { home: whole });
});
afterAll(() => dir[Symbol.dispose]());

/** A home of its own with the same ledger; the vault is not needed. */
function copyOf(name: string): { readonly home: string; readonly paths: { readonly ledger: string; readonly head: string; readonly keys: string } } {
  const home = join(dir.path, name.replace(/\W/g, "-"));
  cpSync(join(whole, "ledger"), join(home, "ledger"), { recursive: true });
  const ledger = join(home, "ledger");
  return { home, paths: { ledger: join(ledger, "ledger.db"), head: join(ledger, "head.db"), keys: join(ledger, "keys") } };
}

describe("each damage is named", () => {
  test("an untouched ledger is intact, exit 0, and claims no more than self", async () => {
    const { home } = copyOf("untouched");
    const { code, json } = await holdfastJson<AuditJson>(["ledger", "audit"], { home });
    expect([code, json.verdict, json.assurance, json.problems]).toEqual([0, "intact", "self", []]);
  });

  test.for(damages)("$name → $verdict ($kind)", async ({ name, verdict, kind, damage }) => {
    const { home, paths } = copyOf(name);
    await damage(paths);
    const { code, json } = await holdfastJson<AuditJson>(["ledger", "audit"], { home });
    expect([json.verdict, code]).toEqual([verdict, verdict === "unverifiable" ? 9 : 5]);
    expect(json.problems.map((problem) => problem.kind)).toContain(kind);
  });

  test.for(damages)("verify: $name → a document that says $verdict", async ({ name, verdict, kind, damage }) => {
    const { home, paths } = copyOf(`${name} verify`);
    await damage(paths);
    const { code, json, stderr } = await holdfastJson<VerifyJson>(["verify"], { home });
    expect([json.verdict, json.ledger.verdict, code], stderr).toEqual([verdict, verdict, verdict === "unverifiable" ? 9 : 5]);
    expect(json.ledger.problems.map((problem) => problem.kind)).toContain(kind);
  });

  test.for(damages.filter(({ name }) => metByReaders.includes(name)))(
    "$name: looking at cases and exhibits shows them or says damage, and never blames the request",
    async ({ name, verdict, damage }) => {
      const { home, paths } = copyOf(`${name} look`);
      await damage(paths);
      const named = await holdfastJson<VerifyJson>(["verify", "D-1/001"], { home });
      expect([named.json.verdict, named.json.exhibits.map((e) => [e.id, e.verdict])]).toEqual([verdict, [["D-1/001", "unverifiable"]]]);
      for (const args of [["case", "list"], ["case", "show", "D-1"], ["exhibits"], ["custody", "D-1/001"]]) {
        const { code, stderr } = await holdfast(args, { home });
        // 8: a file that is not there at all.
        expect(name.endsWith(".db deleted") ? [8] : [0, 5], `${args.join(" ")}: ${stderr}`).toContain(code);
      }
    },
  );

  test.for(damages.filter(({ verdict }) => verdict === "rollback" || verdict === "fork"))(
    "$name: collect refuses to sign and changes no file of the ledger",
    async ({ name, damage }) => {
      const { home, paths } = copyOf(`${name} collect`);
      await damage(paths);
      const before = snapshot(join(home, "ledger"));
      const ran = await holdfast(["collect", "host:local", "--case", "D-2", "--reason", "r", "--kind", "access-logs"], { home });
      expect(ran.code, ran.stderr).toBe(name === "ledger.db deleted" ? 8 : 5);
      expect(snapshot(join(home, "ledger"))).toEqual(before);
    },
  );
});

function snapshot(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !/-(wal|shm)$/.test(entry.name));
  return Object.fromEntries(files.map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name)).toString("base64")]));
}
