import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openNewFile } from "../../src/custody/new-file.ts";

let dir = "";
let path = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "holdfast-new-file-"));
  path = join(dir, "out.raw");
});
afterEach(() => rmSync(dir, { recursive: true }));

const random = (bytes: number): Uint8Array => randomBytes(bytes);

test("a file has its name only when it is whole, only its owner reads it, and nothing else is left", async () => {
  {
    await using out = await openNewFile(path, random);
    await out.file.writeFile("evidence");
    expect(existsSync(path)).toBe(false);
    await out.name();
  }
  expect([readFileSync(path, "utf8"), statSync(path).mode & 0o777, readdirSync(dir)]).toEqual(["evidence", 0o600, ["out.raw"]]);
});

test("a file that does not get its name leaves nothing", async () => {
  {
    await using out = await openNewFile(path, random);
    await out.file.writeFile("half");
  }
  expect(readdirSync(dir)).toEqual([]);
});

test("what takes the name meanwhile is not overwritten", async () => {
  {
    await using out = await openNewFile(path, random);
    writeFileSync(path, "somebody else's");
    await expect(out.name()).rejects.toMatchObject({ code: "usage" });
  }
  expect([readFileSync(path, "utf8"), readdirSync(dir)]).toEqual(["somebody else's", ["out.raw"]]);
});

test.for([
  ["a file", (at: string) => writeFileSync(at, "x")],
  ["a link that leads nowhere", (at: string) => symlinkSync(join(at, "..", "victim"), at)],
] as const)("%s under the name is a usage error, and stays", async ([, make]) => {
  make(path);
  await expect(openNewFile(path, random)).rejects.toMatchObject({ code: "usage" });
  expect(readdirSync(dir)).toEqual(["out.raw"]);
});

test("a link under the unfinished name is not followed, and not removed", async () => {
  const fixed = (bytes: number): Uint8Array => new Uint8Array(bytes);
  const partial = `.holdfast-${"00".repeat(16)}.partial`;
  writeFileSync(join(dir, "victim"), "keep");
  symlinkSync(join(dir, "victim"), join(dir, partial));
  await expect(openNewFile(path, fixed)).rejects.toMatchObject({ code: "usage" });
  expect([readFileSync(join(dir, "victim"), "utf8"), readdirSync(dir).sort()]).toEqual(["keep", [partial, "victim"]]);
});
