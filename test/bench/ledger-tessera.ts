import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, hash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { open } from "../ledger/support.ts";
import { accessed, benchLedger } from "./ledger-makings.ts";

const ENTRIES = 20_000;
const NAME = "ledger.example/l/bench";

/** Entries a second: our acts in batches of 2000, and tessera's POSIX log with the very leaves that came of them, one file each, in one batch. */
export async function contest(
  dir: string,
  oneshot: string,
  rounds: number,
): Promise<{ readonly ours: number; readonly theirs: number; readonly ratio: number }> {
  const results: { readonly ours: number; readonly theirs: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const here = join(dir, String(round));
    const paths = benchLedger(here);
    const recorder = await open(paths);
    const from = performance.now();
    for (let done = 0; done < ENTRIES; done += 2_000) await recorder.append(Array.from({ length: 2_000 }, (_, i) => accessed(done + i)));
    const ours = ENTRIES / ((performance.now() - from) / 1_000);
    await recorder.close();
    const entries = join(here, "entries");
    mkdirSync(entries);
    const db = new Database(paths.ledger, { readonly: true });
    for (const row of db.prepare<[], { idx: number; leaf: Buffer }>("SELECT idx, leaf FROM entry").iterate())
      writeFileSync(join(entries, String(row.idx).padStart(6, "0")), row.leaf);
    db.close();
    const key = join(here, "tessera.key");
    writeFileSync(key, privateKey());
    const start = performance.now();
    execFileSync(oneshot, [`--storage_dir=${join(here, "log")}`, `--entries=${join(entries, "*")}`, `--private_key=${key}`], { stdio: "ignore" });
    const theirs = ENTRIES / ((performance.now() - start) / 1_000);
    const size = readFileSync(join(here, "log", "checkpoint"), "utf8").split("\n")[1];
    if (size !== String(ENTRIES)) throw new Error(`tessera's checkpoint is of size ${size}`);
    results.push({ ours, theirs });
    rmSync(here, { recursive: true });
  }
  const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return { ours: middle(results.map((r) => r.ours)), theirs: middle(results.map((r) => r.theirs)), ratio: middle(results.map((r) => r.ours / r.theirs)) };
}

/** As golang.org/x/mod/sumdb/note writes a signer's key. */
function privateKey(): string {
  const seed = randomBytes(32);
  const key = createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]), format: "der", type: "pkcs8" });
  const pub = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
  const id = hash("sha256", Buffer.concat([Buffer.from(`${NAME}\n`), Buffer.of(1), pub]), "buffer").subarray(0, 4);
  return `PRIVATE+KEY+${NAME}+${id.toString("hex")}+${Buffer.concat([Buffer.of(1), seed]).toString("base64")}`;
}
