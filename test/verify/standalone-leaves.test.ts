import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { actNames } from "../../src/core/act.ts";
import type { LogKeys } from "../../src/ledger/keys/log-keys.ts";
import { decodeLeaf } from "../../src/ledger/format/leaf.ts";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import { inclusionProof } from "../../src/ledger/format/merkle-proof.ts";
import { formatTlogProof } from "../../src/ledger/format/tlog-proof.ts";
import { rootOfRow } from "../../src/ledger/format/tlog-tiles.ts";
import { ORIGIN } from "../ledger/support.ts";
import { editedLeaf, editedPayload, forgeExport, leavesOf } from "./forge.ts";
import { both, type Exported, exportedHome, script, who } from "./standalone-support.ts";

let exported: Exported;
let good = "";
let scratch = "";
let keys: LogKeys;
let leaves: readonly Buffer[] = [];
beforeAll(async () => {
  exported = await exportedHome();
  ({ good, scratch, keys, leaves } = exported);
});
afterAll(() => exported.remove());

describe(`what the log's own keys sign is refused by ${who} where it is no custody record`, () => {
  test.for<readonly [string, RegExp, (all: readonly Buffer[]) => readonly Buffer[]]>([
    [
      "a changed word in an edited leaf, not canonical",
      /entry 4: is not in canonical form/,
      (all) => all.with(4, Buffer.from(` ${at(all, 4).toString("utf8")}`)),
    ],
    [
      "a member twice",
      /entry 4: /,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"act":"note"', '"act":"note","act":"note"')),
        ),
    ],
    [
      "a float",
      /entry 4: /,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"detail":{}', '"detail":{"n":1.5}')),
        ),
    ],
    [
      "a number past 2^53",
      /entry 4: /,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"detail":{}', '"detail":{"n":9007199254740993}')),
        ),
    ],
    [
      "minus zero",
      /entry 4: /,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"detail":{}', '"detail":{"n":-0}')),
        ),
    ],
    [
      "a lone surrogate",
      /surrogate/,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"detail":{}', '"detail":{"n":"\\ud800"}')),
        ),
    ],
    [
      "text that is not NFC",
      /NFC/,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"detail":{}', '"detail":{"n":"e\u0301"}')),
        ),
    ],
    [
      "a member __proto__",
      /__proto__/,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"detail":{}', '"detail":{"__proto__":1}')),
        ),
    ],
    [
      "nesting past 32",
      /nested/,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"detail":{}', `"detail":{"n":${"[".repeat(40)}${"]".repeat(40)}}`)),
        ),
    ],
    ["nesting past all stacks", /entry 4: /, (all) => all.with(4, Buffer.from("[".repeat(60_000)))],
    [
      "a member more",
      /members/,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"tool":', '"too":1,"tool":')),
        ),
    ],
    [
      "a time that does not exist",
      /time/,
      (all) =>
        all.with(
          4,
          editedLeaf(at(all, 4), (s) => void Object.assign(s.predicate, { time: "2026-02-30T00:00:00.000Z" })),
        ),
    ],
    [
      "another subject",
      /subject/,
      (all) =>
        all.with(
          4,
          editedLeaf(at(all, 4), (s) => s.subject.push(s.subject[0])),
        ),
    ],
    [
      "a claim to be signed",
      /signed/,
      (all) =>
        all.with(
          4,
          editedPayload(at(all, 4), (t) => t.replace('"asserted"', '"signed"')),
        ),
    ],
    ["an act of an exhibit left out", /does not follow the act before|begins/, (all) => all.toSpliced(1, 1)],
    [
      "an exhibit's number left out",
      /number 1 was next/,
      (all) =>
        all.with(
          1,
          editedLeaf(at(all, 1), (s) => (s.predicate["exhibits"] as unknown[]).shift()),
        ),
    ],
    ["an exhibit without its case", /not opened before/, (all) => all.slice(1)],
    ["a case opened twice", /second time/, (all) => all.toSpliced(1, 0, at(all, 0))],
    ["a name used twice", /second act named/, (all) => [...all, editedLeaf(at(all, 9), (s) => void Object.assign(s.predicate, { once: "c-1/a" }))]],
    ["an older lease", /lease/, (all) => [...all, editedLeaf(at(all, 9), (s) => void Object.assign(s.predicate, { collection: "c-1", lease: 1 }))]],
    ["bytes that are not UTF-8", /UTF-8/, (all) => all.with(4, Buffer.of(0x7b, 0xff, 0x7d))],
  ])("%s", async ([, names, edit]) => {
    const dir = join(scratch, "forged");
    rmSync(dir, { recursive: true, force: true });
    const edited = edit(leaves);
    forgeExport(dir, edited, ORIGIN, keys.signing);
    const answer = await both(dir, "--vkey", join(exported.home.paths.keys, "log.vkey"));
    expect(answer.text).toMatch(names);
    expect(answer.code).toBe(1);
    // Ours must not think otherwise of a leaf that is malformed by itself.
    const malformed = edited.length === leaves.length && edited[4] !== leaves[4] ? edited[4] : undefined;
    if (malformed !== undefined) expect(() => decodeLeaf(4, malformed, ORIGIN)).toThrow(expect.objectContaining({ code: "unverifiable" }));
  });

  test("an act of a name from a later release is told and not refused; one that is no name is refused", async () => {
    const dir = join(scratch, "later");
    const named = (act: string): readonly Buffer[] =>
      leaves.with(
        4,
        editedLeaf(at(leaves, 4), (s) => void Object.assign(s.predicate, { act })),
      );
    forgeExport(dir, named("time-travelled"), ORIGIN, keys.signing);
    const answer = await both(dir);
    expect(answer.text).toMatch(/1 acts are named time-travelled, which this verifier does not know/);
    expect(answer.code).toBe(0);
    forgeExport(dir, named("Note "), ORIGIN, keys.signing);
    expect(await both(dir)).toMatchObject({ code: 1 });
  });

  test("every act name of this release is known to both", async () => {
    for (const name of ["verify-export.mjs", "verify_export.py"]) {
      const source = readFileSync(script(name), "utf8");
      for (const act of actNames) expect(source, `${name}: ${act}`).toMatch(new RegExp(`[" ]${act}[" ]`));
    }
  });

  test("the same leaves unedited are accepted, so it was the edit that was refused", async () => {
    const dir = join(scratch, "refolded");
    forgeExport(dir, leaves, ORIGIN, keys.signing);
    expect(await both(dir, "--vkey", join(exported.home.paths.keys, "log.vkey"))).toMatchObject({ code: 0 });
  });

  test("a signed proof of another history is called a fork", async () => {
    const fork = join(scratch, "fork");
    forgeExport(fork, [...leaves.slice(0, 200), at(leaves, 250)], ORIGIN, keys.signing);
    const proof = join(scratch, "fork.tlog-proof");
    const hashes = leavesOf(fork, 201).map(leafHash);
    const path = inclusionProof((height, index) => rootOfRow(hashes.slice(index * 2 ** height, (index + 1) * 2 ** height)), 3, 201);
    writeFileSync(proof, formatTlogProof({ index: 3, hashes: path, checkpoint: readFileSync(join(fork, "checkpoint"), "utf8"), extra: null }));
    const answer = await both(good, "--proof", proof, "--leaf-index", "3");
    expect(answer.text).toMatch(/FORK/);
    expect(answer.code).toBe(1);
  });
});

function at(all: readonly Buffer[], i: number): Buffer {
  const leaf = all[i];
  if (leaf === undefined) throw new RangeError(`no leaf ${i}`);
  return leaf;
}
