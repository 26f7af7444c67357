import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeHash } from "../../src/ledger/format/merkle.ts";
import { formatVkey, type SigningKey } from "../../src/ledger/keys/log-key.ts";
import { readLogKeys, readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { openProver } from "../../src/ledger/read/proof-of.ts";
import { cacheDirectory, toolPath } from "../clouds/setup.ts";
import { caExtensions, issue, tsaExtensions } from "../clouds/tsa-certificates.ts";
import { startTsa } from "../clouds/tsa-fake.ts";
import { startLitewitness } from "../clouds/witness-server.ts";
import { pathsIn } from "../ledger/support.ts";
import { forgeExport, leavesOf } from "../verify/forge.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ORIGIN = "ledger.example/l/outside";

export type OutsideRig = {
  readonly dir: string;
  readonly vkey: string;
  readonly size: number;
  readonly rootText: string;
  readonly receipt: string;
  readonly act: string;
  readonly authority: string;
  readonly inclusion: string;
  readonly consistency: string;
  readonly litewitness: string;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A ledger with signed acts, an authority's token and litewitness, exported and given a receipt; and the damaged twins of all. */
export async function makeOutsideRig(count: number): Promise<OutsideRig> {
  const cache = cacheDirectory(process.env);
  const dir = mkdtempSync(join(tmpdir(), "holdfast-outside-"));
  const at = (name: string): string => join(dir, name);
  const home = at("home");
  // Not synchronous: witness and authority answer from this process.
  const holdfast = async (...args: readonly string[]): Promise<string> => {
    const ran = await shell([process.execPath, join(root, "src/cli/holdfast.mjs"), ...args].map((word) => `'${word}'`).join(" "), dir, { HOLDFAST_HOME: home });
    if (ran.code !== 0) throw new Error(`holdfast ${args.join(" ")}: ${ran.text}`);
    return ran.text;
  };
  for (const name of ["verify-export.mjs", "verify_export.py"]) cpSync(join(root, "src/verify/standalone", name), at(name));
  for (const tool of ["foreign", "fsck"]) if (!existsSync(toolPath(cache, tool))) throw new Error(`${tool} is not built; npm run test:servers builds it`);
  await holdfast("init", "--origin", ORIGIN);
  const paths = pathsIn(join(home, "ledger"));
  const [ed25519] = readVkeys(paths.keys).vkeys;
  if (ed25519 === undefined) throw new Error("no key");
  const vkey = formatVkey(ed25519);
  writeFileSync(at("ed25519.vkey"), `${vkey}\n`);
  const ca = issue(dir, { name: "root", key: "rsa", days: 900, extensions: caExtensions }, null);
  const tsa = await startTsa({ signer: issue(dir, { name: "tsa", key: "rsa", days: 400, extensions: tsaExtensions }, ca), chain: [], policy: "1.2.3.4" });
  const witness = await startLitewitness(cache, "witness.example/lw");
  witness.knows(ORIGIN, [vkey]);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "jane", "-f", at("jane")]);
  writeFileSync(
    join(home, "holdfast.yaml"),
    `anchors: {timestamp: [{name: tsa, url: "${tsa.url}", ca: "${ca.file}"}]}\nactor: {id: jane@example.org, key: ${at("jane.pub")}}\n`,
  );
  mkdirSync(at("logs"));
  writeFileSync(join(at("logs"), "a.log"), "login failed\n".repeat(50));
  await holdfast("actor", "enrol", "--reason", "first");
  await holdfast("collect", "host:local", "--case", "O-1", "--reason", "r", "--kind", "access-logs", "--log", at("logs"));
  for (let i = 0; i < count; i += 1) await holdfast("case", "note", "O-1", `note ${i}`);
  await holdfast("ledger", "anchor");
  await holdfast("ledger", "export", at("export"));
  await holdfast("custody", "O-1/001", "--out", at("receipt"));
  const prover = openProver(paths);
  const { note, checkpoint } = prover.head();
  const proven = prover.prove(3);
  const size = checkpoint.size;
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const rootText = base64(checkpoint.root);
  const rootOfTwo = base64(nodeHash(prover.prove(0).leafHash, prover.prove(1).leafHash));
  const consistency = [2, size, rootOfTwo, rootText, ...prover.consistency(2, size).map(base64)].join(" ");
  const inclusion = [3, size, base64(proven.leafHash), rootText, ...proven.hashes.map(base64)].join(" ");
  prover.close();
  writeFileSync(at("head.request"), `old 0\n\n${note.toString("utf8")}`);
  const authority = readdirSync(at("receipt")).find((name) => name.startsWith("rfc3161-")) ?? "none";
  const act =
    (JSON.parse(readFileSync(at("receipt/custody.json"), "utf8")) as { readonly acts: readonly { readonly seq: string; readonly act: string }[] }).acts.find(
      (one) => one.act === "collected",
    )?.seq ?? "";
  spoil(dir, readLogKeys(paths.keys).signing, size, join(authority, "response.tsr"), `act-${act}.signed`);
  return {
    ...{ dir, vkey, size, rootText, receipt: "receipt", act, authority, inclusion, consistency, litewitness: witness.url },
    async [Symbol.asyncDispose]() {
      await witness.stop();
      await tsa.stop();
      spawnSync("chattr", ["-R", "-f", "-i", dir]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The damaged twins: a bit of an entry; a checkpoint of another size; a fork of the same size that our keys signed; token, signed act and leaf. */
function spoil(dir: string, keys: readonly SigningKey[], size: number, token: string, signed: string): void {
  const at = (...names: readonly string[]): string => join(dir, ...names);
  cpSync(at("export"), at("damaged"), { recursive: true });
  flip(at("damaged", "tile", "entries", "000.p", String(size)), 400);
  cpSync(at("export"), at("damaged-head"), { recursive: true });
  writeFileSync(at("damaged-head", "checkpoint"), readFileSync(at("export", "checkpoint"), "utf8").replace(`\n${size}\n`, `\n${size + 1}\n`));
  const leaves = leavesOf(at("export"), size);
  forgeExport(at("fork"), [...leaves.slice(0, -2), ...leaves.slice(-2).toReversed()], ORIGIN, keys);
  writeFileSync(at("fork.request"), `old ${size}\n\n${readFileSync(at("fork", "checkpoint"), "utf8")}`);
  cpSync(at("receipt"), at("receipt-damaged"), { recursive: true });
  flip(at("receipt-damaged", token), -5);
  flip(at("receipt-damaged", signed), 300);
  const record = readFileSync(at("receipt", "custody.json"), "utf8");
  writeFileSync(at("receipt-damaged", "custody.json"), record.replace("jane@example.org", "mary@example.org"));
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

export type Answer = { readonly code: number; readonly text: string };

/** Runs a line of shell in the folder, with the server tier's tools and this Node on the path. */
export function shell(line: string, dir: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const path = [dirname(process.execPath), dirname(toolPath(cacheDirectory(process.env), "fsck")), process.env["PATH"] ?? ""].join(delimiter);
  return new Promise((resolve) => {
    const env = { ...process.env, ...more, PATH: path };
    execFile("bash", ["-c", line], { cwd: dir, env, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, text: stdout + stderr }),
    );
  });
}
