import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const section = readme.slice(readme.indexOf("## What it protects against"), readme.indexOf("## Words"));
const rows = [...section.matchAll(/^\| (?!attack|---)(.+?) \| .+ \| (.+) \|$/gm)].map(([, attack = "", tests = ""]) => ({ attack, tests }));
const sources = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith("threats.test.ts"))
  .map((name) => ({ file: basename(name), text: readFileSync(join(root, "test", name), "utf8") }));

/** A test's file (its name without `.test.ts`), or words of a test's name; `…` stands for what is between. */
function exists(name: string): boolean {
  const parts = name.split("…").map((part) => part.trim());
  return sources.some(({ file, text }) => file === `${name}.test.ts` || file === `${name}.servers.test.ts` || parts.every((part) => text.includes(part)));
}

test.for(rows)("the attack of the README's table has tests that exist: $attack", ({ tests }) => {
  const names = [...tests.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !exists(name))).toEqual([]);
});

test("the table has the README's attacks", () => expect(rows.length).toBeGreaterThan(20));
