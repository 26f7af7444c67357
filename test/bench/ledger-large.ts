import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { openProver } from "../../src/ledger/read/proof-of.ts";
import { cacheDirectory, setUp, toolPath } from "../clouds/setup.ts";
import { forever, open } from "../ledger/support.ts";
import { accessed, benchLedger } from "./ledger-makings.ts";
import { contest } from "./ledger-tessera.ts";

// A ledger of a million acts, as issue 5 wants it measured: `npm run bench ledger-large [DIR [ACTS]]`. DIR is on the disk to be measured. The
// audits are processes of their own, so that their memory is theirs; medians of rounds that are interleaved with the others.
const FAIRNESS = [
  "both durable: posix-oneshot 1.0.4 writes each file with O_SYNC and syncs its folder; ours syncs ledger.db and head.db at each commit",
  "it: one batch, one Ed25519 checkpoint, the tiles as files; its time includes the start of the program, reading 20000 files and a poll each 100 ms",
  "ours: ten batches, each signed (Ed25519 and ML-DSA-44) and swapped in, the acts made, checked and indexed too; the process runs already",
];
const [dir = tmpdir(), acts = "1000000"] = process.argv.slice(2);
const ACTS = Number(acts);
const ROUNDS = 3;
const base = mkdtempSync(join(dir, "holdfast-bench-"));
const paths = benchLedger(join(base, "ledger"));
type Row = { readonly name: string; readonly result: string; readonly target: string };
const rows: Row[] = [];
const row = (name: string, result: string, target: string): void => {
  rows.push({ name, result, target });
  console.log(`${name.padEnd(44)}${result.padStart(34)}   ${target}`);
};
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const seconds = async (work: () => unknown): Promise<number> => {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
};

async function append(count: number): Promise<void> {
  const recorder = await open(paths);
  for (let done = 0; done < count; done += 2_000) await recorder.append(Array.from({ length: Math.min(2_000, count - done) }, (_, i) => accessed(done + i)));
  await recorder.close();
}

const built = await seconds(() => append(ACTS));
row(`${ACTS} acts, batches of 2000`, `${Math.round(ACTS / built)} acts/s`, "≥ 50000 acts/s");

const audits: { readonly seconds: number; readonly peakMiB: number; readonly cpuSeconds: number }[] = [];
const exports: number[] = [];
const more: number[] = [];
const proofs: number[] = [];
let size = ACTS;
for (let round = 0; round < ROUNDS; round += 1) {
  audits.push(
    JSON.parse(
      execFileSync(process.execPath, [fileURLToPath(new URL("ledger-audit-child.ts", import.meta.url)), join(base, "ledger")], {
        encoding: "utf8",
        env: { ...process.env, MALLOC_ARENA_MAX: "2" }, // as the command begins
      }),
    ),
  );
  const out = join(base, `export-${round}`);
  exports.push(await seconds(() => exportLedger(paths, out, forever)));
  await append(1_000);
  size += 1_000;
  more.push(await seconds(() => exportLedger(paths, out, forever)));
  rmSync(out, { recursive: true });
  const prover = openProver(paths);
  for (let i = 0; i < 300; i += 1) {
    const seq = Math.floor(Math.random() * size);
    const took = await seconds(() => prover.prove(seq));
    if (i >= 20) proofs.push(took * 1_000); // the first ones read the tiles
  }
  prover.close();
}
row("full audit, wall", `${median(audits.map((a) => a.seconds)).toFixed(1)} s (${median(audits.map((a) => a.cpuSeconds)).toFixed(1)} CPU-s)`, "≤ 5 s");
row("full audit, peak memory", `${median(audits.map((a) => a.peakMiB))} MiB`, "≤ 200 MiB");
row("a proof, median of 840", `${median(proofs).toFixed(2)} ms`, "≤ 1 ms");
row("export", `${median(exports).toFixed(1)} s`, "≤ 30 s");
row("export of 1000 more", `${(median(more) * 1_000).toFixed(0)} ms`, "≤ 100 ms");

const [tool] = await setUp(cacheDirectory(process.env), ["posix-oneshot"]);
if (tool?.kind === "ready") {
  const { ours, theirs, ratio } = await contest(join(base, "contest"), toolPath(cacheDirectory(process.env), "posix-oneshot"), ROUNDS);
  row("20000 entries: ours ÷ tessera posix-oneshot", `${Math.round(ours)} ÷ ${Math.round(theirs)} /s = ${ratio.toFixed(2)}`, "≥ 1");
  for (const line of FAIRNESS) console.log(`  ${line}`);
} else row("tessera posix-oneshot", `SKIPPED: ${tool?.why ?? "no such tool"}`, "≥ 1");
rmSync(base, { recursive: true });
mkdirSync("bench-results", { recursive: true });
writeFileSync(
  "bench-results/ledger-large.json",
  `${JSON.stringify({ schema: "holdfast.bench/1", bench: "ledger-large", node: process.version, system: `${process.platform} ${release()}, ${cpus().length} cpus`, rounds: ROUNDS, rows }, null, 1)}\n`,
);
