import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Checkpoint } from "../../src/ledger/format/checkpoint.ts";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { formatVkey } from "../../src/ledger/keys/log-key.ts";
import { readLogKeys } from "../../src/ledger/keys/log-keys.ts";
import { openProver, type Prover } from "../../src/ledger/read/proof-of.ts";
import { parseTlogProof } from "../../src/ledger/format/tlog-proof.ts";
import { toolPath } from "../clouds/setup.ts";
import { forgeExport, leavesOf } from "../verify/forge.ts";
import { forever, notes, open, ORIGIN, tempHome } from "./support.ts";

// Programs that nobody here wrote: tessera's fsck, and golang.org/x/mod/sumdb and transparency-dev/merkle in test/clouds/go.
const fsckProgram = toolPath(inject("toolCache"), "fsck");
const goProgram = toolPath(inject("toolCache"), "foreign");

type Answer = { readonly code: number; readonly text: string };
function run(program: string, args: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, text: stdout + stderr }),
    );
  });
}
const go = (...args: readonly (string | number)[]): Promise<Answer> => run(goProgram, args.map(String));
const base64 = (bytes: Buffer): string => bytes.toString("base64");

/** Its exit status says nothing: only this line, with the right size and root, is acceptance. With its default of one worker it hangs on damage. */
async function fsck(dir: string, vkey: string, head: Checkpoint): Promise<boolean> {
  const { text } = await run(fsckProgram, [`--storage_url=file://${dir}`, `--public_key=${vkey}`, "--ui=false", "--N", "2"]);
  return text.includes(`Successfully fsck'd log with size ${head.size} and root ${base64(head.root)} `);
}

let home: ReturnType<typeof tempHome>;
let scratch = "";
let good = "";
let vkeyFile = "";
let vkey = "";
let prover: Prover;
const heads: Checkpoint[] = [];
beforeAll(async () => {
  home = tempHome();
  scratch = mkdtempSync(join(tmpdir(), "holdfast-foreign-"));
  good = join(scratch, "good");
  for (const count of [1, 6, 93, 156, 1, 400, 43]) {
    const recorder = await open(home.paths);
    await recorder.append(notes(count));
    await recorder.close();
    await exportLedger(home.paths, good, forever);
    prover = openProver(home.paths);
    heads.push(prover.prove(0).checkpoint);
    if (heads.length < 7) prover.close();
  }
  const [ed25519] = readLogKeys(home.paths.keys).vkeys;
  if (ed25519 === undefined) throw new Error("no key");
  vkey = formatVkey(ed25519);
  vkeyFile = join(scratch, "ed25519.vkey");
  writeFileSync(vkeyFile, `${vkey}\n`); // tessera and sumdb/note know no ML-DSA
});
afterAll(() => {
  prover.close();
  home[Symbol.dispose]();
  rmSync(scratch, { recursive: true, force: true });
});
function head(): Checkpoint {
  const newest = heads.at(-1);
  if (newest === undefined) throw new Error("no head");
  return newest;
}

/** Damages that a foreign program can see: it knows nothing of acts. */
const damages: readonly (readonly [string, (dir: string) => void])[] = [
  ["a bit of an entry", (dir) => flip(join(dir, "tile/entries/001"), 4000)],
  ["a bit of the last entry", (dir) => flip(join(dir, "tile/entries/002.p/188"), -3)],
  ["a bit of a full tile", (dir) => flip(join(dir, "tile/0/001"), 40)],
  ["a bit of a partial tile", (dir) => flip(join(dir, "tile/0/002.p/188"), 40)],
  ["a missing bundle", (dir) => rmSync(join(dir, "tile/entries/000"))],
  ["a missing tile", (dir) => rmSync(join(dir, "tile/0/000"))],
  ["a truncated bundle", (dir) => writeFileSync(join(dir, "tile/entries/000"), readFileSync(join(dir, "tile/entries/000")).subarray(0, -1))],
  ["two bundles in each other's place", (dir) => cpSync(join(good, "tile/entries/000"), join(dir, "tile/entries/001"))],
];
const notesDamaged: readonly (readonly [string, (text: string) => string])[] = [
  ["another size", (text) => text.replace("\n700\n", "\n699\n")],
  ["another root", (text) => text.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${base64(Buffer.alloc(32, 7))}\n`)],
  ["another origin", (text) => text.replace("ledger.example", "ledger.example2")],
  ["CRLF", (text) => text.replaceAll("\n", "\r\n")],
  ["no signature of the Ed25519 key", (text) => text.replace(/\u2014 [^\n]*\n/, "")],
];
function copy(): string {
  const dir = mkdtempSync(join(scratch, "copy-"));
  cpSync(good, dir, { recursive: true });
  return dir;
}
function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe.skipIf(!existsSync(fsckProgram))("tessera fsck v1.0.4", () => {
  test("accepts an export that was brought up to date six times", async () => {
    expect(head().size).toBe(700);
    expect(await fsck(good, vkeyFile, head())).toBe(true);
  });

  test("refuses a wrong key", async () => {
    using other = tempHome();
    const [key] = readLogKeys(other.paths.keys).vkeys;
    const file = join(scratch, "other.vkey");
    writeFileSync(file, key === undefined ? "" : `${formatVkey(key)}\n`);
    expect(await fsck(good, file, head())).toBe(false);
  });

  test.for(damages)("refuses %s", async ([, spoil]) => {
    const dir = copy();
    spoil(dir);
    expect(await fsck(dir, vkeyFile, head())).toBe(false);
  });

  test.for(notesDamaged)("refuses a checkpoint with %s", async ([, edit]) => {
    const dir = copy();
    writeFileSync(join(dir, "checkpoint"), edit(readFileSync(join(dir, "checkpoint"), "utf8")));
    expect(await fsck(dir, vkeyFile, head())).toBe(false);
  });
});

describe.skipIf(!existsSync(goProgram))("Go's sumdb/note, sumdb/tlog and transparency-dev/merkle", () => {
  test("open the checkpoint, which carries a line of a key they do not know", async () => {
    const answer = await go("checkpoint", vkey, join(good, "checkpoint"));
    expect(answer.text).toContain(`size 700 root ${base64(head().root)}\nsumdb/note: accepted`);
    expect(answer.code).toBe(0);
  });

  test.for(notesDamaged)("refuse a checkpoint with %s", async ([, edit]) => {
    const file = join(scratch, "note");
    writeFileSync(file, edit(readFileSync(join(good, "checkpoint"), "utf8")));
    expect(await go("checkpoint", vkey, file)).toMatchObject({ code: 1, text: expect.stringContaining("sumdb/note: refused") });
  });

  test("read every tile and entry bundle", async () => {
    expect(await go("tiles", good, 700, base64(head().root))).toEqual({ code: 0, text: "entry bundles: accepted\nsumdb/tlog tiles: accepted\n" });
  });

  test.for(damages)("refuse %s", async ([, spoil]) => {
    const dir = copy();
    spoil(dir);
    expect(await go("tiles", dir, 700, base64(head().root))).toMatchObject({ code: 1, text: expect.stringContaining("refused") });
  });

  test.for([0, 1, 255, 256, 511, 512, 699])("accept the inclusion proof of entry %i, and refuse its damaged twins", async (seq) => {
    const { proof, leafHash, checkpoint } = prover.prove(seq);
    const hashes = parseTlogProof(Buffer.from(proof)).hashes.map(base64);
    const check = (index: number, leaf: Buffer, path: readonly string[]): Promise<Answer> =>
      go("inclusion", index, checkpoint.size, base64(leaf), base64(checkpoint.root), ...path);
    const accepted = "sumdb/tlog: accepted\ntransparency-dev/merkle: accepted\n";
    expect(await check(seq, leafHash, hashes)).toEqual({ code: 0, text: accepted });
    const twins: readonly Promise<Answer>[] = [
      check(seq === 0 ? 1 : seq - 1, leafHash, hashes),
      check(seq, prover.prove(seq === 0 ? 1 : seq - 1).leafHash, hashes),
      check(seq, leafHash, hashes.slice(1)),
      check(seq, leafHash, [...hashes, hashes[0] ?? ""]),
      check(seq, leafHash, hashes.toReversed()),
    ];
    for (const twin of await Promise.all(twins)) {
      expect(twin.code).toBe(1);
      expect(twin.text).toMatch(/^sumdb\/tlog: refused.*\ntransparency-dev\/merkle: refused/);
    }
  });

  test("accept the consistency proofs between all heads, and refuse their damaged twins", async () => {
    for (const [i, from] of heads.entries())
      for (const to of heads.slice(i + 1)) {
        const hashes = prover.consistency(from.size, to.size).map(base64);
        const check = (path: readonly string[], a: Checkpoint = from): Promise<Answer> =>
          go("consistency", a.size, to.size, base64(a.root), base64(to.root), ...path);
        expect(await check(hashes), `${from.size} → ${to.size}`).toMatchObject({ code: 0 });
        const other = { ...from, root: Buffer.alloc(32, 9) };
        for (const twin of await Promise.all([check(hashes, other), check(hashes.slice(1)), check([...hashes, hashes[0] ?? ""])]))
          expect(twin, `${from.size} → ${to.size}`).toMatchObject({ code: 1 });
      }
  });

  test("show a rewritten history to be none of ours, though its own keys signed it", async () => {
    const fork = join(scratch, "fork");
    const keys = readLogKeys(home.paths.keys);
    forgeExport(fork, leavesOf(good, 700).toSpliced(9, 1), ORIGIN, keys.signing);
    const answer = await go("checkpoint", vkey, join(fork, "checkpoint"));
    expect(answer.code).toBe(0); // a good signature: whoever holds the key can sign
    const root = /root (\S+)/.exec(answer.text)?.[1] ?? "";
    const from = heads[2];
    if (from === undefined) throw new Error("heads");
    const hashes = prover.consistency(from.size, 699).map(base64);
    expect(await go("consistency", from.size, 699, base64(from.root), root, ...hashes)).toMatchObject({ code: 1 });
    await expect(exportLedger(home.paths, fork, forever)).rejects.toMatchObject({ code: "fork" });
  });
});
