import { execFile, execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { caExtensions, issue, tsaExtensions } from "../clouds/tsa-certificates.ts";
import { startTsa, type TsaFake } from "../clouds/tsa-fake.ts";
import { startWitness, type WitnessFake } from "../clouds/witness-fake.ts";
import { both, hasPython, javascript, python, script } from "../verify/standalone-support.ts";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";

const format = readFileSync(fileURLToPath(new URL("../../src/ledger/FORMAT.md", import.meta.url)), "utf8");
const blocks = [...format.slice(format.indexOf("## 17 ")).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
const missing = ["openssl", "ssh-keygen", "xxd", "sha256sum", "base64", "date"].filter((tool) => spawnSync(tool, ["--version"]).error !== undefined);

const ORIGIN = "evidence.example/l/receipt";
let dir: ReturnType<typeof temporary>;
let receipt = "";
let last = "";
const running: (WitnessFake | TsaFake)[] = [];

/** The receipt of an exhibit under hold, each act signed, as a witness and an authority saw it; beside it what comes from elsewhere. */
beforeAll(async () => {
  if (missing.length > 0) return;
  dir = temporary("receipt");
  const at = (name: string): string => join(dir.path, name);
  const home = at("home");
  const run = async (...args: readonly string[]): Promise<void> => {
    const ran = await holdfast(args, { home });
    expect(ran.code, ran.stderr).toBe(0);
  };
  await run("init", "--origin", ORIGIN);
  const root = issue(dir.path, { name: "root", key: "rsa", days: 900, extensions: caExtensions }, null);
  const signer = issue(dir.path, { name: "tsa", key: "p256", days: 400, extensions: tsaExtensions }, root);
  const tsa = await startTsa({ signer, chain: [], policy: "1.2.3.4" });
  const witness = await startWitness("witness.example/w1", ORIGIN, readVkeys(join(home, "ledger", "keys")).vkeys);
  running.push(tsa, witness);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "jane", "-f", at("jane")]);
  const anchors = `anchors: {witnesses: [{name: w1, url: "${witness.url}", vkey: "${witness.vkey}"}], timestamp: [{name: tsa, url: "${tsa.url}", ca: "${root.file}"}]}\n`;
  writeFileSync(join(home, "holdfast.yaml"), `${anchors}actor: {id: jane@example.org, key: ${at("jane.pub")}}\n`);
  mkdirSync(at("logs"));
  writeFileSync(join(at("logs"), "a.log"), "login failed\n".repeat(500));
  await run("actor", "enrol", "--reason", "head of the lab");
  await run("collect", "host:local", "--case", "R-1", "--reason", "alert 4711", "--kind", "access-logs", "--log", at("logs"));
  await run("hold", "set", "R-1/001", "--reason", "litigation");
  await run("ledger", "anchor");
  await run("case", "note", "R-1", "the newest checkpoint is a later one");
  receipt = at("receipt");
  await run("custody", "R-1/001", "--out", receipt);
  await run("fetch", "R-1/001", "--out", join(receipt, "evidence"), "--reason", "for the expert");
  cpSync(root.file, join(receipt, "tsa.pem"));
  cpSync(script("verify_export.py"), join(receipt, "verify_export.py"));
  writeFileSync(join(receipt, "witness.vkey"), `${witness.vkey}\n`);
  const document = JSON.parse(readFileSync(join(receipt, "custody.json"), "utf8")) as {
    readonly acts: readonly { readonly seq: string; readonly act: string }[];
  };
  last = document.acts.find(({ act }) => act === "collected")?.seq ?? "";
});
afterAll(async () => {
  for (const fake of running) await fake.stop();
  dir?.[Symbol.dispose]();
});

type Answer = { readonly code: number; readonly text: string };
function byHand(block: string, folder: string, inside: string): Promise<Answer> {
  const env = { ...process.env, N: last, D: inside, LC_ALL: "C.UTF-8" };
  return new Promise((resolve) => {
    execFile("bash", ["-e", "-o", "pipefail", "-c", block], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: stdout + stderr }),
    );
  });
}
function copy(): string {
  const to = mkdtempSync(join(dir.path, "copy-"));
  cpSync(receipt, to, { recursive: true });
  return to;
}
/** Flips a bit of this byte, counted from the end where it is negative. */
function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
function edit(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, "utf8");
  const changed = change(text);
  expect(changed, file).not.toBe(text);
  writeFileSync(file, changed);
}

type Twin = readonly [name: string, spoil: (folder: string, inside: string) => void];
type Check = { readonly claim: string; readonly folders: readonly RegExp[]; readonly says: RegExp; readonly twins: readonly Twin[] };
const own = /^\.$/;
const leafOf = (folder: string): string => join(folder, `act-${last}.leaf`);
const proofOf = (folder: string, inside: string): string => join(folder, inside, `act-${last}.tlog-proof`);

/** One for each block of commands, in their order. */
const checks: readonly Check[] = [
  {
    claim: "the evidence has the digest that the act recorded",
    folders: [own],
    says: /"act":"collected"/,
    twins: [["one bit of the evidence", (folder) => flip(join(folder, "evidence"), 600)]],
  },
  {
    claim: "the act is in the ledger whose root the checkpoint names",
    folders: [own, /^rfc3161-tsa-/, /^witness-w1-/],
    says: /^$/,
    twins: [
      ["one bit of the leaf", (folder) => flip(leafOf(folder), 300)],
      ["a hash of the path", (folder, inside) => edit(proofOf(folder, inside), (text) => text.replace(/^.{44}$/m, `${"A".repeat(43)}=`))],
      ["a hash too few", (folder, inside) => edit(proofOf(folder, inside), (text) => text.replace(/^.{44}\n/m, ""))],
      ["a hash too many", (folder, inside) => edit(proofOf(folder, inside), (text) => text.replace(/^\n/m, `${"A".repeat(43)}=\n\n`))],
      ["another index", (folder, inside) => edit(proofOf(folder, inside), (text) => text.replace(/^index \d+/m, "index 1"))],
      ["another root", (folder, inside) => edit(join(folder, inside, "checkpoint"), (text) => text.replace(/\n.{43}=\n/, `\n${"A".repeat(43)}=\n`))],
    ],
  },
  {
    claim: "the ledger's key signed the checkpoint",
    folders: [own, /^rfc3161-tsa-/, /^witness-w1-/],
    says: /Signature Verified Successfully/,
    twins: [
      ["another size", (folder, inside) => edit(join(folder, inside, "checkpoint"), (text) => text.replace(/\n\d+\n/, "\n99\n"))],
      ["another key", (folder) => cpSync(join(folder, "witness.vkey"), join(folder, "log.vkey"))],
    ],
  },
  {
    claim: "an authority had seen the checkpoint",
    folders: [/^rfc3161-tsa-/],
    says: /Verification: OK[\s\S]* GMT\n/,
    twins: [
      ["another checkpoint", (folder, inside) => cpSync(join(folder, "checkpoint"), join(folder, inside, "checkpoint"))],
      ["one bit of the token", (folder, inside) => flip(join(folder, inside, "response.tsr"), -5)],
      [
        "another root of trust",
        (folder) => cpSync(issue(folder, { name: "other", key: "rsa", days: 9, extensions: caExtensions }, null).file, join(folder, "tsa.pem")),
      ],
    ],
  },
  {
    claim: "a witness had seen the checkpoint",
    folders: [/^witness-w1-/],
    says: /Signature Verified Successfully/,
    twins: [
      ["another size", (folder, inside) => edit(join(folder, inside, "checkpoint"), (text) => text.replace(/\n\d+\n/, "\n99\n"))],
      ["a checkpoint that it has not signed", (folder, inside) => cpSync(join(folder, "checkpoint"), join(folder, inside, "checkpoint"))],
    ],
  },
  {
    claim: "a person's key signed the act",
    folders: [own],
    says: /Good "holdfast" signature for jane@example\.org with ED25519 key SHA256:/,
    twins: [
      ["what was signed", (folder) => flip(join(folder, `act-${last}.signed`), 300)],
      ["the leaf", (folder) => flip(leafOf(folder), 300)],
      ["the signature", (folder) => edit(join(folder, `act-${last}.signed.sig`), (text) => text.replace(/.(.{9}\n-----END)/, "A$1"))],
    ],
  },
  {
    claim: "all of it, for the verifier in Python",
    folders: hasPython ? [own] : [],
    says: /the proof of witness:w1 [\s\S]*intact: receipt of R-1\/001 in evidence\.example\/l\/receipt size /,
    twins: [
      ["the evidence", (folder) => appendFileSync(join(folder, "evidence"), "x")],
      ["a name that people read", (folder) => edit(join(folder, "custody.json"), (text) => text.replace("jane@example.org", "mary@example.org"))],
      ["the lock that people read", (folder) => edit(join(folder, "custody.json"), (text) => text.replace('"legalHold": true', '"legalHold": false'))],
      ["an act left out of the middle", (folder) => editActs(folder, (acts) => acts.toSpliced(1, 1))],
      ["two acts in each other's place", (folder) => editActs(folder, (acts) => acts.toReversed())],
    ],
  },
];
function editActs(folder: string, change: (acts: readonly unknown[]) => readonly unknown[]): void {
  const document = JSON.parse(readFileSync(join(folder, "custody.json"), "utf8")) as { readonly acts: readonly unknown[] };
  writeFileSync(join(folder, "custody.json"), JSON.stringify({ ...document, acts: change(document.acts) }));
}

describe.skipIf(missing.length > 0)("a receipt that custody wrote, checked by hand as FORMAT.md §17 says", () => {
  test("every block of commands there is run here", () => expect(blocks.length).toBe(checks.length));

  for (const [i, { claim, folders, says, twins }] of checks.entries()) {
    for (const wanted of folders) {
      const insideOf = (folder: string): string => [".", ...readdirSync(folder)].find((name) => wanted.test(name)) ?? "nowhere";
      test(`${claim} (in ${wanted.source})`, async () => {
        const folder = copy();
        expect(await byHand(blocks[i] ?? "", folder, insideOf(folder))).toMatchObject({ code: 0, text: expect.stringMatching(says) });
      });
      test.for(twins)(`${claim} (in ${wanted.source}): refused where damage is %s`, async ([, spoil]) => {
        const folder = copy();
        spoil(folder, insideOf(folder));
        const answer = await byHand(blocks[i] ?? "", folder, insideOf(folder));
        expect(answer.code, answer.text).not.toBe(0);
      });
    }
  }

  test("both verifiers say the same of it, of the exhibit.json beside the object, and of their damaged twins", async () => {
    const file = join(receipt, "custody.json");
    expect(await both("--receipt", file, "--vkey", join(receipt, "log.vkey"), "--evidence", join(receipt, "evidence"))).toMatchObject({ code: 0 });
    for (const twin of checks.at(-1)?.twins ?? []) {
      const folder = copy();
      twin[1](folder, ".");
      expect(await both("--receipt", join(folder, "custody.json"), "--evidence", join(folder, "evidence")), twin[0]).toMatchObject({ code: 1 });
    }
    const vault = join(dir.path, "home", "vault");
    const beside = readdirSync(vault, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith("exhibit.json")) ?? "none";
    expect(await both("--receipt", join(vault, beside), "--evidence", join(receipt, "evidence"))).toMatchObject({ code: 0 });
    const spoiled = join(copy(), "exhibit.json");
    writeFileSync(spoiled, readFileSync(join(vault, beside), "utf8").replace(/"sha256": "[0-9a-f]{64}"/, `"sha256": "${"0".repeat(64)}"`));
    expect(await both("--receipt", spoiled)).toMatchObject({ code: 1 });
    for (const verifier of hasPython ? [javascript, python] : [javascript]) expect(await verifier("--receipt", file, receipt)).toMatchObject({ code: 2 });
  });

  test("a folder that is there already is left as it is", async () => {
    const { code, stderr } = await holdfast(["custody", "R-1/001", "--out", receipt], { home: join(dir.path, "home") });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/exists; name a new folder/)]);
  });

  test("the same stands in the document that --json prints", async () => {
    const { json } = await holdfastJson<{ readonly proofs: readonly { readonly anchor: string }[] }>(["custody", "R-1/001"], { home: join(dir.path, "home") });
    expect(json.proofs.map(({ anchor }) => anchor)).toEqual(expect.arrayContaining(["rfc3161:tsa", "witness:w1"]));
  });
});
