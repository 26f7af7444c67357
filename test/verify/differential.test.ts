import { execFileSync } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { decodeLeaf } from "../../src/ledger/format/leaf.ts";
import { ORIGIN } from "../ledger/support.ts";
import { exportedHome, hasPython, script } from "./standalone-support.ts";

// Leaves with one thing changed, before our decoder and the two verifiers: whoever alone accepts one is wrong, or the two others are.
const COUNT = 3000;
const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(2 ** 31));
let state = seed;
function next(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const stored = {
  bytes: "3",
  checksum: { algorithm: "sha256", partSize: "8", type: "full", value: "x" },
  encoding: "zstd",
  legalHold: null,
  lock: "none",
  mode: null,
  problems: [],
  requestIds: ["a"],
  retainUntil: null,
  sealed: false,
  text: "",
  uri: "u",
  version: null,
};
const pool: readonly unknown[] = [
  ...[null, "", "x", 0, 1, -1, 2 ** 53 - 1, 2 ** 53, 1.5, true, false, [], {}, ["a"], [1], { a: 1 }, "é", "e\u0301", "\u0000", "\u2028", "\ud800", "😀"],
  ...["001", "C-1/001", "C-1/01", "2026-01-01T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "2026-02-30T00:00:00.000Z", "2024-02-29T23:59:59.999Z"],
  ...["2026-01-01T00:00:60.000Z", "2026-01-01T24:00:00.000Z", "0".repeat(64), "A".repeat(64), "٣", "1\n", "1e3", "-1.5", "-", "1.", "signed", "oidc", "note"],
  ...[stored, { ...stored, lock: "x" }, { "\ufb01": 1, "\u{10000}": 2, "\uffff": 3 }, [[[[]]]], "ﬁ", "\u007f", "C-1", "C-1\n", ".x", "AAAA", "AB=="],
];
type Bag = Record<string, unknown>;
const isBag = (value: unknown): value is Bag => typeof value === "object" && value !== null;

/** All objects and lists in a value. */
function bags(value: unknown): readonly Bag[] {
  return isBag(value) ? [value, ...Object.values(value).flatMap(bags)] : [];
}
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isBag(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}
function mutate(root: Bag): void {
  const all = bags(root);
  const bag = all[next(all.length)] ?? root;
  const names = Object.keys(bag);
  const name = names[next(names.length)] ?? "new";
  const kind = next(6);
  if (kind === 0 && Array.isArray(bag)) bag.splice(Number(name), 1);
  else if (kind === 0) delete bag[name];
  else if (kind === 1 && !Array.isArray(bag)) bag[`zz${next(3)}`] = pool[next(pool.length)];
  else if (kind === 2 && Array.isArray(bag)) bag.push(pool[next(pool.length)]);
  else bag[name] = pool[next(pool.length)];
}
function mutant(leaf: Buffer): Buffer {
  const envelope: Bag = JSON.parse(leaf.toString("utf8"));
  if (next(8) === 0) mutate(envelope);
  else {
    const statement: Bag = JSON.parse(Buffer.from(String(envelope["payload"]), "base64").toString("utf8"));
    mutate(statement);
    const predicate = statement["predicate"];
    // Half of them get the subject that belongs to what was changed, so that something else has to be noticed.
    if (next(2) === 0 && isBag(predicate) && isBag(predicate["digests"]) && Object.keys(predicate["digests"]).length === 0) {
      const name = String(predicate["case"] ?? ORIGIN);
      statement["subject"] = [{ annotations: { digestOf: "name" }, digest: { sha256: createHash("sha256").update(name).digest("hex") }, name }];
    }
    const text = Buffer.from(JSON.stringify(sorted(statement)));
    if (next(20) === 0) text[next(text.length)] = next(256);
    envelope["payload"] = text.toString("base64");
  }
  return Buffer.from(JSON.stringify(sorted(envelope)));
}

/** What the verifiers leave to their second look, at acts among one another, and what only this release knows: names of acts. */
const elsewhere = /act is |is not an exhibit|detail\.|case-opened/;
const attempt = (accept: () => void): string => {
  try {
    accept();
    return "ok";
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return cause instanceof Error ? cause.message : String(cause);
  }
};

test(`our decoder and ${hasPython ? "both verifiers" : "the JavaScript verifier (python3 is absent)"} think alike of ${COUNT} changed leaves (seed ${seed})`, async () => {
  const exported = await exportedHome();
  const dir = mkdtempSync(join(tmpdir(), "holdfast-differential-"));
  try {
    const leaves = Array.from({ length: COUNT }, () => mutant(exported.leaves[[0, 1, 2, 3, 5][next(5)] ?? 0] ?? Buffer.alloc(1)));
    // The verifier is a program, which does its work when it is loaded: this takes the functions without the last statement.
    const source = readFileSync(script("verify-export.mjs"), "utf8");
    const end = source.lastIndexOf("\ntry {\n");
    expect(end).toBeGreaterThan(10_000);
    writeFileSync(join(dir, "verifier.mjs"), `${source.slice(0, end)}\nexport { actOf };\n`);
    const { actOf }: { actOf: (leaf: Buffer, origin: string, where: string) => unknown } = await import(pathToFileURL(join(dir, "verifier.mjs")).href);
    const theirs = leaves.map((leaf) => [attempt(() => actOf(leaf, ORIGIN, "leaf"))]);
    if (hasPython) for (const [i, answer] of python(dir, leaves).entries()) theirs[i]?.push(answer);
    let accepted = 0;
    for (const [i, leaf] of leaves.entries()) {
      const ours = attempt(() => decodeLeaf(i, leaf, ORIGIN));
      const answers = theirs[i] ?? [];
      if (answers.every((answer) => answer === "ok")) accepted += 1;
      expect(
        new Set([...(elsewhere.test(ours) ? [] : [ours]), ...answers].map((answer) => answer === "ok")).size,
        `${ours} | ${answers.join(" | ")}\n${leaf.toString("utf8")}`,
      ).toBe(1);
    }
    expect(accepted).toBeGreaterThan(COUNT / 20);
    expect(accepted).toBeLessThan(COUNT / 2);
  } finally {
    rmSync(dir, { recursive: true, force: true });
    exported.remove();
  }
});

function python(dir: string, leaves: readonly Buffer[]): readonly string[] {
  writeFileSync(join(dir, "leaves"), leaves.map((leaf) => leaf.toString("base64")).join("\n"));
  const driver = `
import base64, json, os, sys
sys.path.insert(0, sys.argv[1])
import verify_export as verifier
for line in open(sys.argv[2]):
    try:
        verifier.act_of(base64.b64decode(line), ${JSON.stringify(ORIGIN)}, "leaf")
        print(json.dumps("ok"))
    except verifier.Damage as error:
        print(json.dumps(str(error)))
`;
  const answers = execFileSync("python3", ["-B", "-c", driver, join(script("verify_export.py"), ".."), join(dir, "leaves")], { maxBuffer: 1 << 26 });
  const lines = answers.toString("utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(leaves.length);
  return lines.map((line) => String(JSON.parse(line)));
}
