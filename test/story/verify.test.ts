import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { actDraft } from "../../src/core/act-draft.ts";
import { append } from "../damaged/damage-tools.ts";
import { canBecomeOther, holdfast, holdfastJson, temporary, type VerifyJson } from "./holdfast.ts";

let dir: ReturnType<typeof temporary>;
let whole = "";
const ids = ["V-1/001", "V-1/002"];
beforeAll(async () => {
  dir = temporary("verify");
  whole = join(dir.path, "whole");
  const logs = join(dir.path, "logs");
  mkdirSync(logs);
  writeFileSync(join(logs, "a.log"), "x\n");
  const collect = ["collect", "host:local", "--case", "V-1", "--reason", "r", "--kind", "access-logs", "--log"];
  for (const _ of ids) await holdfast([...collect, logs], { home: whole });
});
afterAll(() => dir[Symbol.dispose]());

/** A copy of the home, vault and all, without what only the immutable flag would copy. */
function copyOf(name: string): string {
  const home = join(dir.path, name);
  cpSync(whole, home, { recursive: true });
  return home;
}

type Verified = { readonly code: number | null; readonly json: VerifyJson };
async function verify(home: string, args: readonly string[] = [], uid?: number): Promise<Verified> {
  return holdfastJson<VerifyJson>(["verify", ...args], uid === undefined ? { home } : { home, uid });
}

describe("what is asked for", () => {
  test.for([
    ["an exhibit that is not there", ["V-1/009"]],
    ["what is no exhibit", ["V-1"]],
    ["one of two that is not there", ["V-1/001", "V-1/009"]],
    ["a case that is not there", ["--case", "V-9"]],
    ["a case and an exhibit at once", ["--case", "V-1", "V-1/001"]],
  ] as const)("%s is a usage error, and nothing is verified", async ([, args]) => {
    const ran = await holdfast(["--json", "verify", ...args], { home: whole });
    expect([ran.code, ran.stdout], ran.stderr).toEqual([2, ""]);
  });

  test("an exhibit without an outcome, and one of which nothing is stored, are unverifiable by name", async () => {
    const home = copyOf("open");
    const ledger = join(home, "ledger");
    const paths = { ledger: join(ledger, "ledger.db"), head: join(ledger, "head.db"), keys: join(ledger, "keys") };
    const actor = { id: "someone", kind: "person", proof: "asserted" } as const;
    const detail = {
      kind: "memory",
      name: "memory",
      mediaType: "",
      text: "no tool",
      files: null,
      transform: [],
      reproducible: false,
      coverage: null,
      put: null,
    };
    await append(paths, [actDraft("started", actor, { case: "V-1", reserve: 1 })]);
    await append(paths, [actDraft("started", actor, { case: "V-1", reserve: 1 })]);
    await append(paths, [actDraft("unavailable", actor, { case: "V-1", exhibits: ["V-1/004"], detail })]);
    const open = await verify(home, ["V-1/003"]);
    expect([open.code, open.json.exhibits]).toMatchObject([9, [{ verdict: "unverifiable", method: "none", text: expect.stringContaining("no outcome") }]]);
    const empty = await verify(home, ["V-1/004"]);
    expect([empty.code, empty.json.exhibits]).toMatchObject([9, [{ verdict: "unverifiable", text: "UNAVAILABLE: nothing of it is stored (no tool)" }]]);
    const all = await verify(home, ["--case", "V-1"]);
    expect(all.json.exhibits.map((e) => e.id)).toEqual([...ids, "V-1/003"]);
  });
});

describe("a vault that is not where it was", () => {
  test("a home that was copied whole is intact, and says that it was elsewhere", async () => {
    const { code, json } = await verify(copyOf("copied"));
    expect([code, json.verdict, json.exhibits[0]?.text]).toEqual([0, "intact", expect.stringContaining("points elsewhere")]);
  });

  test("a configuration that points elsewhere is unverifiable, 9, and not missing", async () => {
    const home = copyOf("elsewhere");
    const other = join(dir.path, "other");
    const path = { here: `{kind: directory, path: ${other}}` };
    writeFileSync(join(home, "holdfast.yaml"), `vaults:\n  here: ${path.here}\n`);
    mkdirSync(other);
    writeFileSync(join(other, ".holdfast-vault"), "");
    const { code, json } = await verify(home);
    expect([code, json.verdict, json.exhibits[0]?.text]).toEqual([9, "unverifiable", expect.stringContaining("points elsewhere")]);
  });

  test.for([
    ["taken away", false],
    ["an empty mount point", true],
  ] as const)("a vault that is %s is unverifiable, 9; back again it is intact", async ([, empty]) => {
    const vault = join(whole, "vault");
    renameSync(vault, `${vault}-away`);
    if (empty) mkdirSync(vault);
    const { code, json } = await verify(whole);
    rmSync(vault, { recursive: true, force: true });
    renameSync(`${vault}-away`, vault);
    expect([code, json.verdict, json.exhibits.map((e) => e.verdict)]).toEqual([9, "unverifiable", ["unverifiable", "unverifiable"]]);
    expect((await verify(whole)).code).toBe(0);
  });
});

describe.skipIf(!canBecomeOther)("a home that cannot be written (needs root to become someone else)", () => {
  test("is verified without its -wal and -shm files and without its private keys, prints its document and is not recorded", async () => {
    const home = copyOf("read-only");
    for (const name of readdirSync(join(home, "ledger"))) if (/-(wal|shm)$/.test(name)) rmSync(join(home, "ledger", name));
    execFileSync("chmod", ["-R", "a+rX,go-w", home]);
    for (const name of readdirSync(join(home, "ledger", "keys"))) if (!/vkey|pub/.test(name)) chmodSync(join(home, "ledger", "keys", name), 0o600);
    chmodSync(dir.path, 0o755);
    const { code, json } = await verify(home, [], 65_534);
    expect([code, json.verdict, json.recorded, json.exhibits.length]).toEqual([0, "intact", false, 2]);
  });
});

describe("fetch", () => {
  test("prints its path without what steers a terminal, and leaves one file", async () => {
    const out = join(dir.path, "fetched");
    mkdirSync(out);
    const ran = await holdfast(["fetch", "V-1/001", "--out", join(out, "a\u001b[31m.tar"), "--reason", "r"], { home: whole });
    expect([ran.code, ran.stdout.includes("\u001b"), readdirSync(out)]).toEqual([0, false, ["a\u001b[31m.tar"]]);
  });

  test("a name that is taken is refused, and the file stays", async () => {
    const out = join(dir.path, "taken.tar");
    writeFileSync(out, "mine");
    const ran = await holdfast(["fetch", "V-1/001", "--out", out, "--reason", "r"], { home: whole });
    expect([ran.code, readFileSync(out, "utf8")]).toEqual([2, "mine"]);
  });
});

describe("a list of lock changes", () => {
  type Changes = { readonly exhibits: readonly { readonly exhibit: string }[] };
  const held = async (home: string): Promise<number> =>
    JSON.parse((await holdfast(["--json", "custody", "V-1/001"], { home })).stdout).acts.filter((act: { act: string }) => act.act === "held").length;

  test("with an id that is not there changes nothing", async () => {
    const home = copyOf("mistyped");
    const ran = await holdfast(["--json", "hold", "set", "V-1/001", "V-1/009", "--reason", "r"], { home });
    expect([ran.code, ran.stdout, await held(home)], ran.stderr).toEqual([2, "", 0]);
  });

  test.for([
    ["hold", ["hold", "set"], []],
    ["retention", ["retain", "extend"], ["--until", "900d"]],
  ] as const)("%s: where a later one fails, those before it are printed, then the error with its code", async ([name, command, more]) => {
    const home = copyOf(`half-${name}`);
    const record = join(home, "vault", "V-1");
    const second = readdirSync(record, { recursive: true, encoding: "utf8" }).find((file) => /002.*(?<!exhibit\.json)\.retention\.json$/.test(file)) ?? "none";
    expect(existsSync(join(record, second))).toBe(true);
    rmSync(join(record, second));
    const ran = await holdfast(["--json", ...command, "V-1/001", "V-1/002", ...more, "--reason", "r"], { home });
    const printed: Changes = JSON.parse(ran.stdout);
    expect([ran.code, printed.exhibits.map((e) => e.exhibit)], ran.stderr).toEqual([8, ["V-1/001"]]);
    expect(ran.stderr).toContain("retention is missing");
  });
});
