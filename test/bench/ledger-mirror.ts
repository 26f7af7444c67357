import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { pacedFlush } from "../../src/app/paced-flush.ts";
import type { Recorder } from "../../src/core/recorder.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { startServer } from "../clouds/servers.ts";
import { cacheDirectory, setUp } from "../clouds/setup.ts";
import { mirror } from "../ledger/mirror-support.ts";
import { forever, open } from "../ledger/support.ts";
import { makeLockedBucket, placeOf, s3VaultOf } from "../suite/s3-bench.ts";
import { accessed, benchLedger } from "./ledger-makings.ts";

// How long a caller waits for the receipt of one act, with the WORM mirror on a MinIO of this machine and without:
// `npm run bench ledger-mirror [DIR]`. The mirror runs as in the app, at most once a second beside the acts; the last row is how long an act takes
// until it is under lock in the mirror too, one flush an act.
const ACTS = 2_000;
const FLUSHED = 100;
const base = mkdtempSync(join(process.argv[2] ?? tmpdir(), "holdfast-bench-"));
const [tool] = await setUp(cacheDirectory(process.env), ["minio"]);
if (tool?.kind !== "ready") throw new Error(`MinIO is not there: ${tool?.why ?? "no such tool"}`);
const server = await startServer("minio", cacheDirectory(process.env));
const place = placeOf(server, "bench");
await makeLockedBucket(place);
const vault = s3VaultOf(place);

const at = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
type Row = { readonly name: string; readonly acts: number; readonly medianMs: number; readonly p99Ms: number; readonly mostMs: number };
const rows: Row[] = [];
async function measure(name: string, count: number, one: (serial: number) => Promise<unknown>): Promise<void> {
  const took: number[] = [];
  for (let serial = 0; serial < count; serial += 1) {
    const from = performance.now();
    await one(serial);
    took.push(performance.now() - from);
  }
  took.sort((a, b) => a - b);
  const row: Row = { name, acts: count, medianMs: at(took, 0.5), p99Ms: at(took, 0.99), mostMs: at(took, 1) };
  rows.push(row);
  console.log(`${name.padEnd(44)}${row.medianMs.toFixed(1).padStart(9)}${row.p99Ms.toFixed(1).padStart(9)}${row.mostMs.toFixed(1).padStart(9)}`);
}

let flushes = 0;
async function home(name: string): Promise<{ readonly paths: LedgerPaths; readonly recorder: Recorder }> {
  const paths = benchLedger(join(base, name));
  return { paths, recorder: await open(paths) };
}

try {
  console.log(`${"ms from the act to its receipt".padEnd(44)}${"median".padStart(9)}${"p99".padStart(9)}${"most".padStart(9)}`);
  const alone = await home("alone");
  await measure("no mirror", ACTS, (serial) => alone.recorder.append([accessed(serial)]));
  await alone.recorder.close();

  const mirrored = await home("mirrored");
  const pace = pacedFlush(
    async () => {
      flushes += 1;
      return mirror(mirrored.paths, vault, forever);
    },
    () => true,
    { ms: 1_000, asks: () => true },
  );
  const watched = pace.watch(mirrored.recorder);
  await measure("mirror on MinIO, beside the acts", ACTS, (serial) => watched.append([accessed(serial)]));
  await pace.settle(forever);
  await measure("mirror on MinIO, until it holds the act", FLUSHED, async (serial) => {
    await mirrored.recorder.append([accessed(ACTS + serial)]);
    await mirror(mirrored.paths, vault, forever);
  });
  await mirrored.recorder.close();
  console.log(`${flushes} flushes ran beside the ${ACTS} acts`);
} finally {
  await server.stop();
  rmSync(base, { recursive: true });
}
mkdirSync("bench-results", { recursive: true });
writeFileSync(
  "bench-results/ledger-mirror.json",
  `${JSON.stringify({ schema: "holdfast.bench/1", bench: "ledger-mirror", node: process.version, system: `${process.platform} ${release()}, ${cpus().length} cpus`, flushes, rows }, null, 1)}\n`,
);
