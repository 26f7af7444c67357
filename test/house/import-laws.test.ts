import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
let tree = "";

/** From, to, whether design.md allows it. */
const laws: readonly (readonly [string, string, boolean])[] = [
  ["src/core/x.ts", "../stream/part-stream.ts", false],
  ["src/core/x.ts", "../ledger/read/reader.ts", false],
  ["src/core/x.ts", "better-sqlite3", false],
  ["src/core/x.ts", "node:fs", true],
  ["src/stream/x.ts", "../core/part.ts", true],
  ["src/stream/x.ts", "../vault/directory.ts", false],
  ["src/vault/x.ts", "../stream/composite.ts", true],
  ["src/vault/x.ts", "../core/vault.ts", true],
  ["src/vault/x.ts", "../ledger/read/reader.ts", false],
  ["src/ledger/read/x.ts", "../../core/act.ts", true],
  ["src/ledger/read/x.ts", "../../vault/directory.ts", false],
  ["src/ledger/read/x.ts", "../../verify/rehash.ts", false],
  ["src/collect/x.ts", "../stream/part-stream.ts", true],
  ["src/collect/x.ts", "../vault/directory.ts", false],
  ["src/collect/x.ts", "../ledger/write/writer.ts", false],
  ["src/collect/x.ts", "../../collectors/host/plan.ts", false],
  ["src/jobs/x.ts", "../core/jobs.ts", true],
  ["src/jobs/x.ts", "../ledger/write/writer.ts", false],
  ["src/custody/x.ts", "../core/vault.ts", true],
  ["src/custody/x.ts", "../ledger/write/writer.ts", false],
  ["src/custody/x.ts", "../stream/restore.ts", false],
  ["src/verify/x.ts", "../ledger/audit/audit.ts", true],
  ["src/verify/x.ts", "../ledger/write/writer.ts", false],
  ["src/verify/x.ts", "../ledger/write/create-ledger.ts", false],
  ["src/verify/x.ts", "../vault/directory.ts", false],
  ["src/cli/x.ts", "../app.ts", true],
  ["src/cli/x.ts", "../core/act.ts", true],
  ["src/cli/x.ts", "../ledger/read/reader.ts", false],
  ["src/cli/x.ts", "../collect/run-step.ts", false],
  ["src/app.ts", "./cli/main.ts", false],
  ["src/app/x.ts", "../cli/main.ts", false],
  ["collectors/host/x.ts", "../../src/core/act.ts", true],
  ["collectors/host/x.ts", "../../src/stream/tar.ts", true],
  ["collectors/host/x.ts", "../../src/vault/directory.ts", false],
  ["collectors/host/x.ts", "../../src/ledger/write/writer.ts", false],
];

const forms = [
  (to: string) => `import { a } from "${to}";\nexport const b: unknown = a;\n`,
  (to: string) => `import type { A } from "${to}";\nexport type B = A;\n`,
  (to: string) => `export { a } from "${to}";\n`,
  (to: string) => `export const b: Promise<unknown> = import("${to}");\n`,
];

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "holdfast-laws-"));
  mkdirSync(join(tree, "config"));
  cpSync(join(root, "config/lint.json"), join(tree, "config/lint.json"));
  laws.forEach(([from, to], i) => {
    forms.forEach((form, j) => {
      const path = join(tree, fileOf(from, i, j));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, form(to));
    });
  });
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

function fileOf(from: string, law: number, form: number): string {
  // src/app.ts is a law of its own place: its twins cannot have another name.
  return from === "src/app.ts" ? from : from.replace("x.ts", `x${law}-${form}.ts`);
}

function broken(): ReadonlySet<string> {
  let text: string;
  try {
    text = execFileSync(
      join(root, "node_modules/.bin/biome"),
      ["lint", "--config-path=config/lint.json", "--only=style/noRestrictedImports", "--reporter=json", "--max-diagnostics=none", "src", "collectors"],
      { cwd: tree, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    );
  } catch (error) {
    text = (error as { stdout: string }).stdout;
  }
  const report = JSON.parse(text) as { diagnostics: { category: string; location: { path: string | { file: string } } }[] };
  return new Set(report.diagnostics.map(({ location: { path } }) => (typeof path === "string" ? path : path.file)));
}

describe("the linter keeps the import laws", () => {
  let found: ReadonlySet<string> = new Set();
  beforeAll(() => {
    found = broken();
  });
  test.for(laws.map(([from, to, allowed], i) => ({ from, to, allowed, i })))("$from → $to: allowed $allowed", ({ from, allowed, i }) => {
    for (const form of from === "src/app.ts" ? [forms.length - 1] : forms.keys())
      expect([fileOf(from, i, form), !found.has(fileOf(from, i, form))]).toEqual([fileOf(from, i, form), allowed]);
  });
});
