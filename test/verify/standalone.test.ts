import { randomInt } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { formatVkey } from "../../src/ledger/keys/log-key.ts";
import { proofOf } from "../../src/ledger/read/proof-of.ts";
import example from "../vectors/format-example.json" with { type: "json" };
import { forever, notes, open, ORIGIN, tempHome } from "../ledger/support.ts";
import { forgeExport } from "./forge.ts";
import { both, type Exported, exportedHome, hasPython, javascript, python, script, who } from "./standalone-support.ts";

let exported: Exported;
let good = "";
let scratch = "";
beforeAll(async () => {
  exported = await exportedHome();
  ({ good, scratch } = exported);
});
afterAll(() => exported.remove());

let copies = 0;
function copy(): string {
  copies += 1;
  const dir = join(scratch, `copy-${copies}`);
  cpSync(good, dir, { recursive: true });
  return dir;
}
function change(file: string, edit: (bytes: Buffer) => Uint8Array): void {
  const before = readFileSync(file);
  const after = edit(Buffer.from(before));
  if (before.equals(after)) throw new Error(`${file} was not changed`);
  writeFileSync(file, after);
}
const flip =
  (at: number, bit = 0) =>
  (bytes: Buffer): Buffer => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    return bytes;
  };
const replace =
  (from: string, to: string) =>
  (bytes: Buffer): Buffer =>
    Buffer.from(bytes.toString("utf8").replace(from, to));

describe(`a good export is accepted by ${who}`, () => {
  test("with its own keys, which it says proves nothing, and with pinned ones", async () => {
    const own = await both(good);
    expect(own.text).toMatch(/pin them/);
    expect(own.text).toMatch(/300 entries, 1 cases, 2 exhibits/);
    expect(own.code).toBe(0);
    const pinned = await both(good, "--vkey", join(exported.home.paths.keys, "log.vkey"));
    expect(pinned.text).not.toMatch(/pin them/);
    expect(pinned.code).toBe(0);
  });

  test("under both its keys, each by its own arithmetic", async () => {
    const { text } = await both(good);
    for (const program of hasPython ? [text, (await python(good)).text] : [text])
      expect(program).toMatch(/Ed25519 key [0-9a-f]{8}: signature good\nML-DSA-44 key [0-9a-f]{8}: signature good/);
  });

  test("of size 0, and the worked example of FORMAT.md", async () => {
    using fresh = tempHome();
    const empty = join(scratch, "empty");
    await exportLedger(fresh.paths, empty, forever);
    expect((await both(empty)).text).toMatch(/size 0/);
    const page = join(scratch, "page");
    forgeExport(
      page,
      example.leaves.map((leaf) => Buffer.from(leaf)),
      example.origin,
      [],
    );
    writeFileSync(join(page, "log.vkey"), `${example.vkeys.join("\n")}\n`);
    writeFileSync(join(page, "checkpoint"), example.note);
    expect(await both(page)).toMatchObject({ code: 0 });
  });

  test("with a proof of an entry, under this head and an earlier one", async () => {
    const file = join(scratch, "now.tlog-proof");
    writeFileSync(file, proofOf(exported.home.paths, 257).proof);
    expect((await both(good, "--proof", file, "--leaf-index", "257")).text).toMatch(/one of this log/);
    using younger = tempHome();
    const recorder = await open(younger.paths);
    await recorder.append(notes(7));
    writeFileSync(file, proofOf(younger.paths, 6).proof);
    await recorder.append(notes(5));
    await recorder.close();
    const grown = join(scratch, "grown");
    await exportLedger(younger.paths, grown, forever);
    expect((await both(grown, "--proof", file, "--leaf-index", "6")).text).toMatch(/size 7 is one of this log/);
    expect(await both(grown, "--proof", file, "--leaf-index", "5")).toMatchObject({ code: 1 });
    expect(await both(good, "--proof", file, "--leaf-index", "6")).toMatchObject({ code: 1 });
  });
});

describe(`a damaged export is refused by ${who}, naming what`, () => {
  test.for<readonly [string, RegExp, (dir: string) => void]>([
    ["a bit of an entry", /entry \d+|tile/, (dir) => change(join(dir, "tile/entries/000"), flip(5000))],
    ["a bit of a bundle's length field", /./, (dir) => change(join(dir, "tile/entries/000"), flip(1))],
    ["a bit of a full tile", /tile\/0\/000:/, (dir) => change(join(dir, "tile/0/000"), flip(8191))],
    ["a bit of a partial tile", /tile\/0\/001\.p\/44:/, (dir) => change(join(dir, "tile/0/001.p/44"), flip(7))],
    ["a bit of a tile above", /tile\/1\/000\.p\/1:/, (dir) => change(join(dir, "tile/1/000.p/1"), flip(7))],
    ["a bit of an earlier partial tile", /tile\/0\/000\.p\/100:/, (dir) => change(join(dir, "tile/0/000.p/100"), flip(7))],
    ["a bit of an earlier partial bundle", /tile\/entries\/000\.p\/100:/, (dir) => change(join(dir, "tile/entries/000.p/100"), flip(700))],
    ["a smaller size in the checkpoint", /checkpoint:/, (dir) => change(join(dir, "checkpoint"), replace("\n300\n", "\n299\n"))],
    ["another root in the checkpoint", /checkpoint:/, (dir) => change(join(dir, "checkpoint"), flip(ORIGIN.length + 6))],
    ["CRLF in the checkpoint", /control byte/, (dir) => change(join(dir, "checkpoint"), (b) => Buffer.from(b.toString("utf8").replaceAll("\n", "\r\n")))],
    ["the Ed25519 line gone", /no signature of the Ed25519/, (dir) => change(join(dir, "checkpoint"), (b) => withoutLine(b, 0))],
    ["the ML-DSA line gone", /no signature of the ML-DSA-44/, (dir) => change(join(dir, "checkpoint"), (b) => withoutLine(b, 1))],
    ["two entries swapped", /tile|entry/, (dir) => change(join(dir, "tile/entries/001.p/44"), swapFirstTwo)],
    ["two bundles swapped for one another", /entries/, (dir) => change(join(dir, "tile/entries/001.p/44"), () => readFileSync(join(good, "tile/entries/000")))],
    ["a truncated bundle", /ends inside its entry 43 of 44/, (dir) => change(join(dir, "tile/entries/001.p/44"), (b) => b.subarray(0, -1))],
    ["a bundle with an entry too many", /goes on after/, (dir) => change(join(dir, "tile/entries/001.p/44"), (b) => Buffer.concat([b, Buffer.of(0, 1, 65)]))],
    ["a missing bundle", /tile\/entries\/000: is missing/, (dir) => rmSync(join(dir, "tile/entries/000"))],
    ["a missing tile", /tile\/0\/000: is missing/, (dir) => rmSync(join(dir, "tile/0/000"))],
    ["a missing checkpoint", /checkpoint: is missing/, (dir) => rmSync(join(dir, "checkpoint"))],
    ["a missing log.vkey", /log\.vkey: is missing/, (dir) => rmSync(join(dir, "log.vkey"))],
    ["a changed log.vkey", /log\.vkey:/, (dir) => change(join(dir, "log.vkey"), flip(ORIGIN.length + 2))],
    ["a file that does not belong", /does not belong/, (dir) => writeFileSync(join(dir, "tile/0/002"), Buffer.alloc(8192))],
    ["an older checkpoint with more behind it", /does not belong/, (dir) => older(dir)],
  ])("%s", async ([, names, spoil]) => {
    const dir = copy();
    spoil(dir);
    const answer = await both(dir);
    expect(answer).toMatchObject({ code: 1 });
    expect(answer.text).toMatch(names);
    expect(answer.text).toMatch(/DAMAGED/);
  });

  test("a wrong key, pinned", async () => {
    using other = tempHome();
    const answer = await both(good, "--vkey", join(other.paths.keys, "log.vkey"));
    expect(answer.text).toMatch(/no signature of the Ed25519 key/);
    expect(answer.code).toBe(1);
  });

  test.for([0, 8, 9, 40, 60, 1000, 2340, 2360, 2426, 2427])("a flipped bit in byte %i of the ML-DSA signature", async (byte) => {
    const dir = copy();
    change(join(dir, "checkpoint"), (note) => {
      const [, before = "", field = ""] = /^([\s\S]* )(\S+)\n$/.exec(note.toString("utf8")) ?? [];
      return Buffer.from(`${before}${flip(4 + byte)(Buffer.from(field, "base64")).toString("base64")}\n`);
    });
    const answer = await both(dir);
    expect(answer.text).toMatch(/ML-DSA-44 key .* does not verify/);
    expect(answer.code).toBe(1);
  });

  const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(2 ** 31));
  test(`any single bit, at random (seed ${seed})`, async () => {
    let state = seed;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const names = readdirSync(good, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(good.length + 1))
      .sort();
    for (let i = 0; i < 12; i += 1) {
      const dir = copy();
      const name = names[next(names.length)] ?? "checkpoint";
      const [at, bit] = [next(readFileSync(join(good, name)).length), next(8)];
      change(join(dir, name), flip(at, bit));
      expect(await both(dir), `${name} byte ${at} bit ${bit}`).toMatchObject({ code: 1 });
      rmSync(dir, { recursive: true });
    }
  });
});

describe(`wrong usage is 2 for ${who}`, () => {
  test.for<readonly string[]>([
    [],
    ["/nowhere/at/all"],
    ["GOOD", "--what"],
    ["GOOD", "GOOD"],
    ["GOOD", "--vkey"],
    ["GOOD", "--vkey", "/nowhere"],
    ["GOOD", "--vkey", script("verify-export.mjs")],
    ["GOOD", "--proof", "/nowhere", "--leaf-index", "1"],
    ["GOOD", "--proof", "/nowhere"],
    ["GOOD", "--leaf-index", "01"],
  ])("%j", async (args) => {
    const words = args.map((arg) => (arg === "GOOD" ? good : arg));
    expect((await javascript(...words)).code).toBe(2);
    if (hasPython) expect((await python(...words)).code).toBe(2);
  });
});

test("each key alone is enough to pin, and only it is checked then", async () => {
  const file = join(scratch, "one.vkey");
  for (const [i, key] of exported.keys.vkeys.entries()) {
    writeFileSync(file, `${formatVkey(key)}\n`);
    const dir = copy();
    change(join(dir, "checkpoint"), (note) => withoutLine(note, 1 - i));
    expect(await both(dir, "--vkey", file)).toMatchObject({ code: 0 });
    change(join(dir, "checkpoint"), () => withoutLine(readFileSync(join(good, "checkpoint")), i));
    expect(await both(dir, "--vkey", file)).toMatchObject({ code: 1 });
  }
});

function withoutLine(bytes: Buffer, which: number): Buffer {
  const [text = "", lines = ""] = bytes.toString("utf8").split("\n\n");
  const kept = lines.trimEnd().split("\n");
  kept.splice(which, 1);
  return Buffer.from(`${text}\n\n${kept.join("\n")}\n`);
}
function swapFirstTwo(bytes: Buffer): Buffer {
  const first = bytes.subarray(0, 2 + bytes.readUInt16BE(0));
  const second = bytes.subarray(first.length, first.length + 2 + bytes.readUInt16BE(first.length));
  return Buffer.concat([second, first, bytes.subarray(first.length + second.length)]);
}
function older(dir: string): void {
  const small = join(scratch, `small-${copies}`);
  forgeExport(small, exported.leaves.slice(0, 100), ORIGIN, exported.keys.signing);
  cpSync(join(small, "checkpoint"), join(dir, "checkpoint"));
}
