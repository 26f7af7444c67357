import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { startWitness } from "../clouds/witness-fake.ts";
import { holdfast, holdfastJson, type Ran, temporary } from "./holdfast.ts";

const ORIGIN = "evidence.example/l/folder";
const dir = temporary("directory-mirror");
afterAll(() => dir[Symbol.dispose]());

type Audit = {
  readonly verdict: string;
  readonly assurance: string;
  readonly size: string;
  readonly checked: { readonly anchors: readonly string[]; readonly unreachable: readonly string[] };
  readonly problems: readonly { readonly kind: string; readonly text: string }[];
};
type Story = {
  readonly home: string;
  readonly vault: string;
  readonly checkpoints: string;
  run(...args: readonly string[]): Promise<Ran>;
  audit(): Promise<Audit & { readonly code: number | null }>;
};

let number = 0;
/** A home whose ledger is mirrored into a directory, the only vault it has. */
function story(yaml = "anchors: {worm: folder}\n"): Story {
  number += 1;
  const home = join(dir.path, `home-${number}`);
  const vault = join(dir.path, `vault-${number}`);
  mkdirSync(home);
  writeFileSync(
    join(home, "holdfast.yaml"),
    `origin: ${ORIGIN}\nvaults: {folder: {kind: directory, path: "${vault}", retain: 1d}}\ndefaultVault: folder\n${yaml}`,
  );
  return {
    home,
    vault,
    checkpoints: join(vault, "ledger", ORIGIN, "checkpoint"),
    run: (...args) => holdfast(args, { home }),
    async audit() {
      const { code, json } = await holdfastJson<Audit>(["ledger", "audit"], { home });
      return { code, ...json };
    },
  };
}
async function collect({ run }: Story): Promise<Ran> {
  const logs = join(dir.path, "logs");
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(logs, "a.log"), "x\n");
  return run("collect", "host:local", "--case", "A-1", "--reason", "r", "--kind", "access-logs", "--log", logs);
}

describe("a ledger that is mirrored into a directory", () => {
  test("is named on receipts and in custody, audited, and said to prove nothing against who can write there", async () => {
    const made = story();
    expect((await made.run("init")).stdout).toContain("anchors worm");
    expect(await collect(made)).toMatchObject({ code: 0, stdout: expect.stringContaining("vouched for by worm") });
    const record = await holdfastJson<{ readonly acts: readonly { readonly anchors: readonly string[] }[] }>(["custody", "A-1/001"], made);
    expect(record.json.acts.map(({ anchors }) => anchors)).toEqual(record.json.acts.map(() => ["worm"]));
    expect(await made.audit()).toMatchObject({ code: 0, verdict: "intact", assurance: "self", checked: { anchors: ["worm"], unreachable: [] } });
    expect(await made.run("status")).toMatchObject({ code: 0, stdout: expect.stringMatching(/anchor worm \(vault folder\): holds \d+ acts\n/) });
  });

  test("has `ledger anchor` write it, and nothing else where nothing else is configured", async () => {
    const made = story("");
    await made.run("case", "open", "A-1", "--reason", "r");
    expect(await made.run("ledger", "anchor")).toMatchObject({ code: 3, stderr: expect.stringMatching(/anchors\.worm.*anchors\.witnesses.*holdfast\.yaml/s) });
    writeFileSync(join(made.home, "holdfast.yaml"), `vaults: {folder: {kind: directory, path: "${made.vault}", retain: 1d}}\nanchors: {worm: folder}\n`);
    const anchored = await holdfastJson<{ readonly anchors: readonly object[] }>(["ledger", "anchor"], made);
    expect({ code: anchored.code, anchors: anchored.json.anchors }).toMatchObject({ code: 0, anchors: [{ anchor: "worm", outcome: "anchored", size: "2" }] });
    renameSync(made.vault, `${made.vault}-away`); // the files themselves may be immutable
    writeFileSync(made.vault, "a file where the vault was");
    const lost = await made.run("ledger", "anchor");
    expect([lost.code, lost.stdout]).toEqual([9, expect.stringMatching(/worm\s+broken\s+vault folder: /)]);
  });

  test("that cannot be reached leaves the audit unproven (9), unless a witness vouches for the head now", async () => {
    const made = story();
    await collect(made);
    const away = `${made.vault}-away`;
    renameSync(made.vault, away);
    writeFileSync(made.vault, "");
    const found = await made.audit();
    expect(found).toMatchObject({ code: 9, verdict: "unverifiable", checked: { unreachable: ["worm"] } });
    expect(found.problems.map(({ text }) => text).join()).toContain("not an older copy of itself is not proven");
    const noted = await made.run("case", "note", "A-1", "the folder is gone");
    expect(noted).toMatchObject({ code: 0, stderr: expect.stringContaining("not in the mirror (vault folder) yet") });
    expect((await made.run("status")).stdout).toContain("anchor worm (vault folder): BROKEN");
    const witness = await startWitness("witness.example/w1", ORIGIN, readVkeys(join(made.home, "ledger", "keys")).vkeys);
    try {
      writeFileSync(
        join(made.home, "holdfast.yaml"),
        `vaults: {folder: {kind: directory, path: "${made.vault}", retain: 1d}}\nanchors: {worm: folder, witnesses: [{name: w1, url: "${witness.url}", vkey: "${witness.vkey}"}]}\n`,
      );
      expect((await made.run("ledger", "anchor")).code).toBe(9); // the mirror is still not to be had
      expect(await made.audit()).toMatchObject({ code: 0, verdict: "intact", assurance: "witnessed", checked: { unreachable: ["worm"] } });
      witness.lie = "down";
      expect(await made.audit()).toMatchObject({ code: 9, verdict: "unverifiable" });
    } finally {
      await witness.stop();
    }
    rmSync(made.vault);
    renameSync(away, made.vault);
    await made.run("ledger", "anchor");
    expect(await made.audit()).toMatchObject({ checked: { anchors: expect.arrayContaining(["worm"]) } });
  });

  test("that lost its entries or was written over is altered, and the home that was put back is a rollback", async () => {
    const made = story();
    await collect(made);
    await made.run("case", "note", "A-1", "one more");
    const copy = `${made.home}-copy`;
    const entries = join(made.vault, "ledger", ORIGIN, "tile", "entries");
    renameSync(entries, `${copy}-entries`);
    const lacking = await made.audit();
    expect(lacking).toMatchObject({ code: 5, verdict: "altered" });
    expect(lacking.problems.map(({ text }) => text).join()).toMatch(/mirror in vault folder lacks tile\/entries\/000\.p\/\d+/);
    renameSync(`${copy}-entries`, entries);
    expect((await made.audit()).code).toBe(0);

    const newest =
      readdirSync(made.checkpoints)
        .filter((name) => /^\d{20}$/.test(name))
        .sort()
        .at(-1) ?? "";
    renameSync(made.checkpoints, `${copy}-checkpoints`);
    cpSync(`${copy}-checkpoints`, made.checkpoints, { recursive: true });
    writeFileSync(join(made.checkpoints, newest), "written over\n1\nx\n");
    const over = await made.audit();
    expect([over.code, over.verdict]).toEqual([5, "altered"]);
    expect(over.problems.map(({ text }) => text).join()).toMatch(/checkpoint of size \d+ in vault folder was not signed by this log's keys/);
    rmSync(made.checkpoints, { recursive: true });
    renameSync(`${copy}-checkpoints`, made.checkpoints);

    cpSync(join(made.home, "ledger"), copy, { recursive: true });
    const old = (await made.audit()).size;
    await made.run("case", "note", "A-1", "that somebody wants gone");
    rmSync(join(made.home, "ledger"), { recursive: true });
    cpSync(copy, join(made.home, "ledger"), { recursive: true });
    const back = await made.audit();
    expect(back).toMatchObject({ code: 5, verdict: "rollback", size: old });
    expect(await made.run("case", "note", "A-1", "on top")).toMatchObject({ code: 5, stderr: expect.stringMatching(/ROLLBACK.*Nothing is signed/) });
  });

  test("brings a lost home back: same origin, size and root", async () => {
    const made = story();
    await collect(made);
    writeFileSync(join(dir.path, "passphrase"), "four plain words here\n");
    const secret = ["--passphrase-file", join(dir.path, "passphrase")];
    const backup = join(dir.path, "keys.backup");
    expect((await made.run("key", "backup", "--out", backup, ...secret, "--reason", "drill")).code).toBe(0);
    const before = await made.audit();
    rmSync(join(made.home, "ledger"), { recursive: true });
    rmSync(join(made.home, "work.db"), { force: true });
    const back = await made.run("restore", "--from", "folder", "--key-backup", backup, ...secret, "--reason", "the disk died");
    expect(back.code, back.stderr).toBe(0);
    expect(await made.audit()).toMatchObject({ code: 0, verdict: "intact", size: String(Number(before.size) + 1) });
    expect((await made.run("verify")).code).toBe(0);
  });
});
