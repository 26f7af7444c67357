import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";

type Audit = {
  readonly verdict: string;
  readonly size: string;
  readonly problems: readonly { readonly kind: string; readonly text: string }[];
  readonly receipts: { readonly agree: string; readonly newest: string } | null;
};
type Held = { checkpoint: string; acts: { seq: string; leaf: string }[] };

let dir: ReturnType<typeof temporary>;
const at = (...names: readonly string[]): string => join(dir.path, ...names);
const audit = (home: string, ...args: readonly string[]): Promise<{ readonly code: number | null; readonly json: Audit }> =>
  holdfastJson<Audit>(["ledger", "audit", ...args], { home: at(home) });
async function run(home: string, ...args: readonly string[]): Promise<string> {
  const { code, stderr, stdout } = await holdfast(args, { home: at(home) });
  expect(code, stderr).toBe(0);
  return stdout;
}

/** `old` is a home as it was before its newest acts; of those, somebody else keeps a receipt in `held`. Nothing else is outside. */
beforeAll(async () => {
  dir = temporary("held");
  mkdirSync(at("logs"));
  writeFileSync(at("logs", "a.log"), "login failed\n".repeat(200));
  await run("home", "init", "--origin", "evidence.example/l/held");
  await run("home", "collect", "host:local", "--case", "H-1", "--reason", "r", "--kind", "access-logs", "--log", at("logs"));
  cpSync(at("home"), at("old"), { recursive: true });
  await run("home", "hold", "set", "H-1/001", "--reason", "litigation");
  mkdirSync(at("held"));
  await run("home", "custody", "H-1/001", "--out", at("held", "counsel"));
  await run("home", "case", "note", "H-1", "the ledger goes on");
});
afterAll(() => dir[Symbol.dispose]());

test("a ledger that went on agrees with the receipts that others hold", async () => {
  const { code, json } = await audit("home", "--receipts", at("held"));
  expect([code, json.verdict, json.problems]).toEqual([0, "intact", []]);
  expect(Number(json.receipts?.agree)).toBeGreaterThan(2);
  expect(Number(json.receipts?.newest)).toBe(Number(json.size) - 1);
  expect(await run("home", "ledger", "audit", "--receipts", at("held"))).toMatch(
    /Receipts {2}\d+ that others hold agree with this ledger, the newest has its first \d+ acts/,
  );
});

test("a home that was put back is intact by its own word, and a rollback by a receipt; both sizes are named", async () => {
  const alone = await audit("old");
  expect([alone.code, alone.json.verdict, alone.json.receipts]).toEqual([0, "intact", null]);
  const { code, json } = await audit("old", "--receipts", at("held"));
  expect([code, json.verdict]).toEqual([5, "rollback"]);
  const size = readFileSync(at("held", "counsel", "checkpoint"), "utf8").split("\n")[1];
  expect(json.problems).toContainEqual(
    expect.objectContaining({ kind: "rollback", text: expect.stringContaining(`has a signed head of ${size} entries, and this ledger has ${json.size}`) }),
  );
});

test("another history under the same keys is intact by its own word, and a fork by a receipt", async () => {
  cpSync(at("old"), at("forked"), { recursive: true });
  for (let i = 0; i < 4; i += 1) await run("forked", "case", "note", "H-1", `other note ${i}`);
  expect((await audit("forked")).json.verdict).toBe("intact");
  const { code, json } = await audit("forked", "--receipts", at("held"));
  expect([code, json.verdict, json.problems[0]?.kind]).toEqual([5, "fork", "fork"]);
});

test("a ledger written anew under keys of its own proves nothing to who holds a receipt", async () => {
  await run("anew", "init", "--origin", "evidence.example/l/held");
  await run("anew", "case", "open", "H-1", "--reason", "r");
  expect((await audit("anew")).json.verdict).toBe("intact");
  const { code, json } = await audit("anew", "--receipts", at("held"));
  expect([code, json.verdict, json.receipts?.agree]).toEqual([9, "unverifiable", "0"]);
  expect(json.problems[0]?.text).toContain("the keys of this ledger are not those that signed it");
});

test("a receipt that was changed, or cut short, leaves the ledger unverifiable and is named", async () => {
  const whole = readFileSync(at("held", "counsel", "custody.json"), "utf8");
  const held = JSON.parse(whole) as Held;
  const [first] = held.acts;
  if (first === undefined) throw new Error("a receipt has acts");
  const leaf = Buffer.from(first.leaf, "base64");
  leaf[60] = (leaf[60] ?? 0) ^ 1;
  first.leaf = leaf.toString("base64");
  for (const [name, content] of [
    ["changed.json", JSON.stringify(held)],
    ["signature.json", whole.replace(/(— evidence\.example\S* )(.{20})(.)/, (_, line: string, key: string, c: string) => line + key + (c === "A" ? "B" : "A"))],
    ["short.json", whole.slice(0, whole.length / 2)],
  ] as const) {
    rmSync(at("bad"), { recursive: true, force: true });
    mkdirSync(at("bad"));
    writeFileSync(at("bad", name), content);
    const { code, json } = await audit("home", "--receipts", at("bad"));
    expect([name, code, json.verdict, json.receipts?.agree]).toEqual([name, 9, "unverifiable", "0"]);
    expect(json.problems[0]).toMatchObject({ kind: "anchor-unchecked", text: expect.stringContaining(name) });
  }
});

test("a folder without any receipt, or none at all, is refused: nothing held against nothing is no proof", async () => {
  for (const folder of [at("logs"), at("nowhere")]) {
    const { code, stderr } = await holdfast(["ledger", "audit", "--receipts", folder], { home: at("home") });
    expect([code, stderr.includes("--receipts")]).toEqual([2, true]);
  }
});
