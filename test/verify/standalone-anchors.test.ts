import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readLogKeys } from "../../src/ledger/keys/log-keys.ts";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { proofOf } from "../../src/ledger/read/proof-of.ts";
import { type AnchorRig, anchorRig } from "../ledger/anchor-rig.ts";
import { forever, ORIGIN } from "../ledger/support.ts";
import { startWitness } from "../clouds/witness-fake.ts";
import { forgeExport, leavesOf } from "./forge.ts";
import { both, who } from "./standalone-support.ts";

let rig: AnchorRig;
let scratch = "";
let good = "";
let keys = "";
let number = 0;
beforeAll(async () => {
  rig = await anchorRig();
  scratch = mkdtempSync(join(tmpdir(), "holdfast-export-anchors-"));
  good = join(scratch, "good");
  await rig.append(3);
  await rig.anchor();
  await exportLedger(rig.paths, good, forever);
  await rig.append(2);
  await exportLedger(rig.paths, good, forever); // a head that nobody outside has seen yet
  await rig.anchor();
  await exportLedger(rig.paths, good, forever);
  keys = file("witnesses.vkey", `${rig.witnesses.map(({ vkey }) => vkey).join("\n")}\n`);
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});
function copy(): string {
  number += 1;
  cpSync(good, join(scratch, `copy-${number}`), { recursive: true });
  return join(scratch, `copy-${number}`);
}
function file(name: string, text: string): string {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
}
const at = (size: number, rest: string): string => `anchors/${String(size).padStart(20, "0")}.${rest}`;
const cosigner = (note: string): readonly string[] => [...note.matchAll(/^\u2014 (\S+) /gm)].map(([, name = ""]) => name);

describe("an export of an anchored ledger", () => {
  test("has the cosignatures in its checkpoint behind the log's own lines, and every kept proof as a file", () => {
    expect(cosigner(readFileSync(join(good, "checkpoint"), "utf8"))).toEqual([ORIGIN, ORIGIN, "witness.example/w1", "witness.example/w2"]);
    expect(readdirSync(join(good, "anchors")).sort()).toEqual(
      [3, 5].flatMap((size) => ["rfc3161.ecdsa", "rfc3161.rsa", "witness.w1", "witness.w2"].map((rest) => at(size, rest).slice(8))),
    );
    expect(cosigner(proofOf(rig.paths, 4).proof)).toEqual([ORIGIN, ORIGIN, "witness.example/w1", "witness.example/w2"]);
  });

  test("is not written again where nothing is new, and keeps a cosignature that the ledger lost since", async () => {
    const dir = copy();
    expect(await exportLedger(rig.paths, dir, forever)).toMatchObject({ files: "0" });
    const home = join(scratch, "lost");
    cpSync(rig.dir, home, { recursive: true });
    const paths = { ledger: join(home, "ledger.db"), head: join(home, "head.db"), keys: join(home, "keys") };
    const db = new Database(paths.ledger);
    db.exec("DROP TRIGGER anchor_del; DELETE FROM anchor");
    db.prepare("INSERT INTO anchor(size,kind,bytes) VALUES(5,'witness:../../../out','x'),(5,'later:w','x')".replaceAll("'x'", "x'00'")).run();
    db.close();
    expect(await exportLedger(paths, dir, forever)).toMatchObject({ files: "0" });
    expect(cosigner(readFileSync(join(dir, "checkpoint"), "utf8"))).toContain("witness.example/w1");
  });
});

describe(`${who}, of an export with proofs from outside`, () => {
  test("accept it without the witnesses' keys, and with them say who cosigned how much", async () => {
    expect(await both(good)).toMatchObject({ code: 0, text: expect.stringMatching(/timestamp of rsa is over the first 5 of 5 entries.*NOT CHECKED/) });
    const answer = await both(good, "--witness", keys);
    expect(answer.code, answer.text).toBe(0);
    for (const name of ["w1", "w2"])
      expect(answer.text).toMatch(new RegExp(`witness.example/${name} cosigned the first 5 of 5 entries: signature good, of 20`));
  });

  test("take an ML-DSA-44 witness's word as well, under an export and a proof that carry it", async () => {
    const quantum = await startWitness("witness.example/q", ORIGIN, readLogKeys(rig.paths.keys).vkeys, "ml-dsa-44");
    try {
      const note = readFileSync(join(good, "checkpoint"), "utf8");
      const response = await fetch(`${quantum.url}/add-checkpoint`, { method: "POST", body: `old 0\n\n${note}` });
      const line = (await response.text()).split("\n").find((text) => text.includes("witness.example/q")) ?? "";
      const dir = copy();
      writeFileSync(join(dir, "checkpoint"), `${note}${line}\n`);
      expect(await both(dir, "--witness", file("q.vkey", `${quantum.vkey}\n`))).toMatchObject({
        code: 0,
        text: expect.stringContaining("q cosigned the first 5"),
      });
      const flipped = Buffer.from(line.split(" ")[2] ?? "", "base64");
      flipped[1000] = (flipped[1000] ?? 0) ^ 1;
      writeFileSync(join(dir, "checkpoint"), `${note}\u2014 witness.example/q ${flipped.toString("base64")}\n`);
      expect(await both(dir, "--witness", file("q.vkey", `${quantum.vkey}\n`))).toMatchObject({ code: 1, text: expect.stringContaining("does not verify") });
      expect((await both(dir)).code).toBe(0); // a line of nobody whom the reader trusts says nothing
    } finally {
      await quantum.stop();
    }
  });

  test("say 2 where the witness that was asked for is not there, or the file names none", async () => {
    const other = await startWitness("witness.example/w1", ORIGIN, []);
    await other.stop();
    expect(await both(good, "--witness", file("other.vkey", `${other.vkey}\n`))).toMatchObject({
      code: 2,
      text: expect.stringContaining("no cosignature of witness"),
    });
    for (const text of ["", "x\n", readFileSync(join(rig.paths.keys, "log.vkey"), "utf8")])
      expect((await both(good, "--witness", file("none.vkey", text))).code).toBe(2);
  });

  test.for<readonly [string, RegExp, (dir: string) => void]>([
    ["a bit of a cosignature in the checkpoint", /checkpoint: has a cosignature of witness.example\/w2/, (dir) => swapLast(join(dir, "checkpoint"))],
    ["a bit of a kept cosignature", /witness.w1: has a cosignature/, (dir) => swapLast(join(dir, at(3, "witness.w1")))],
    ["a proof under another size", /witness.w1: is of size 3/, (dir) => cpSync(join(dir, at(3, "witness.w1")), join(dir, at(4, "witness.w1")))],
    ["a proof that the log did not sign", /has no signature|does not verify/, (dir) => writeFileSync(join(dir, at(3, "witness.w1")), foreign(dir))],
    ["a bit of a timestamp", /rfc3161.rsa: /, (dir) => flipMiddle(join(dir, at(3, "rfc3161.rsa")))],
    ["a token over another note", /not about its note|digest|no signature/, (dir) => exchange(dir)],
    ["an older checkpoint with a later proof beside it", /vouches for 5 entries, and the checkpoint has 3/, (dir) => older(dir)],
    ["another history, signed, with the proofs of this one", /FORK/, (dir) => fork(dir)],
  ])("refuse %s", async ([, names, spoil]) => {
    const dir = copy();
    spoil(dir);
    const answer = await both(dir, "--witness", keys);
    expect(answer).toMatchObject({ code: 1, text: expect.stringMatching(names) });
  });
});

function swapLast(path: string): void {
  const [, before = "", name = "", field = ""] = /^([\s\S]*)\u2014 (\S+) (\S+)\n$/.exec(readFileSync(path, "utf8")) ?? [];
  const bytes = Buffer.from(field, "base64");
  bytes[40] = (bytes[40] ?? 0) ^ 4;
  writeFileSync(path, `${before}\u2014 ${name} ${bytes.toString("base64")}\n`);
}
function flipMiddle(path: string): void {
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
function foreign(dir: string): string {
  return readFileSync(join(dir, at(3, "witness.w1")), "utf8").replace(/\n3\n[^\n]*\n/, `\n3\n${Buffer.alloc(32, 7).toString("base64")}\n`);
}
/** What is under each name is whole in itself. */
function exchange(dir: string): void {
  const path = join(dir, at(3, "rfc3161.rsa"));
  const other = readFileSync(join(dir, at(5, "rfc3161.rsa")), "utf8");
  const response = /"response":"([^"]*)"/.exec(other)?.[1] ?? "";
  writeFileSync(path, readFileSync(path, "utf8").replace(/"response":"[^"]*"/, `"response":"${response}"`));
}
function older(dir: string): void {
  writeFileSync(join(dir, "checkpoint"), readFileSync(join(dir, at(3, "witness.w1"))));
  rmSync(join(dir, "tile"), { recursive: true });
  forge(dir, 3);
}
function forge(dir: string, size: number, edit: (leaves: Buffer[]) => Buffer[] = (leaves) => leaves): void {
  forgeExport(dir, edit(leavesOf(good, 5)).slice(0, size), ORIGIN, readLogKeys(rig.paths.keys).signing);
}
function fork(dir: string): void {
  rmSync(join(dir, "tile"), { recursive: true });
  forge(dir, 5, ([a, b, ...rest]) => [b ?? Buffer.alloc(0), a ?? Buffer.alloc(0), ...rest]);
}
