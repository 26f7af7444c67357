import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { snapshotId, spawnEbsSource } from "../clouds/ebs-source.ts";
import { interleave, median, openStore, report, type Run, run } from "./store-contest.ts";

// A snapshot through EBS direct, 100 ms away and limited to 1,000 requests a second: Holdfast, which hashes it twice and puts it into
// a vault, against coldsnap, which writes a file. `npm run bench ebs -- [--rounds N] [--size BYTES] [--written SHARE] [--latency MS]
// [--rate N] [--into directory|sink] [--dir DIR]`. coldsnap is HOLDFAST_TEST_COLDSNAP, or ../shared/tools.
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    size: { type: "string", default: String(8 * 1024 ** 3) },
    written: { type: "string", default: "1" },
    latency: { type: "string", default: "100" },
    rate: { type: "string", default: "1000" },
    into: { type: "string", default: "directory" },
    dir: { type: "string", default: tmpdir() },
  },
});
const gib = Number(values.size) / 1024 ** 3;
const [rounds, rate] = [Number(values.rounds), Number(values.rate)];
const folder = mkdtempSync(join(values.dir, "holdfast-bench-"));
const source = await spawnEbsSource({ gib, written: Number(values.written), latency: Number(values.latency), rate });
const sink = values.into === "sink" ? await openStore("sink") : null;
process.env["AWS_ENDPOINT_URL_EBS"] = source.url;
// As the program itself begins (src/cli/holdfast.mjs).
process.env["NODE_COMPILE_CACHE"] = join(folder, "cache");
process.env["MALLOC_ARENA_MAX"] = "2";
try {
  const contestants: Record<string, () => Promise<Run>> = { holdfast };
  const coldsnap = unpackColdsnap();
  if (coldsnap === null) console.error("coldsnap is not there (HOLDFAST_TEST_COLDSNAP): left out");
  else contestants["coldsnap download"] = () => download(coldsnap);
  await holdfast(); // the code cache, as every run but a user's first finds it
  const results = await interleave(Object.keys(contestants), rounds, async (name) => (await contestants[name]?.()) ?? Promise.reject(new TypeError(name)));
  const own = results.get("holdfast") ?? [];
  const floor = source.blocks / rate;
  const rows = [...results].map(([name, runs]) => ({
    name,
    medianSeconds: Number(median(runs.map((r) => r.seconds)).toFixed(2)),
    minSeconds: Number(Math.min(...runs.map((r) => r.seconds)).toFixed(2)),
    maxSeconds: Number(Math.max(...runs.map((r) => r.seconds)).toFixed(2)),
    medianCpuSeconds: Number(median(runs.map((r) => r.cpuSeconds)).toFixed(2)),
    peakMiB: Math.round(Math.max(...runs.map((r) => r.peakMiB))),
    /** Of the requests that the limit allows in that time, process start included. */
    percentOfThrottle: Number(((100 * floor) / median(runs.map((r) => r.seconds))).toFixed(1)),
    holdfastRatio: Number(median(own.map((r, i) => r.seconds / (runs[i]?.seconds ?? 1))).toFixed(2)),
  }));
  console.table(rows);
  console.log(`${source.blocks} of ${gib * 2048} blocks written; targets: 95 % of the throttle, 0.7 x coldsnap's time, 200 MiB`);
  report(values.into === "directory" ? "ebs" : `ebs-${values.into}`, { ...values, blocks: source.blocks, rows });
} finally {
  await source.stop();
  await sink?.stop();
  rmSync(folder, { recursive: true });
}

async function holdfast(): Promise<Run> {
  const place = join(folder, "vault");
  const into = sink === null ? `directory:${place}` : `s3:${sink.url}`;
  const exporter = fileURLToPath(new URL("ebs-export.ts", import.meta.url));
  const result = await run(process.execPath, ["--max-semi-space-size=1", exporter, "--endpoint", source.url, "--gib", String(gib), "--into", into]);
  const { sha256 } = JSON.parse(result.stdout);
  if (sha256 !== source.sha256) throw new Error(`digest ${sha256} and not ${source.sha256}`);
  rmSync(place, { recursive: true, force: true });
  return result;
}

async function download(coldsnap: string): Promise<Run> {
  const file = join(folder, "image");
  const result = await run(coldsnap, ["download", "--no-progress", snapshotId, file]);
  rmSync(file);
  return result;
}

/** A path to the program, packed or not. */
function unpackColdsnap(): string | null {
  const tools = fileURLToPath(new URL("../../../shared/tools/coldsnap", import.meta.url));
  const packed = existsSync(tools) ? readdirSync(tools).find((name) => name.endsWith(".xz")) : undefined;
  const given = process.env["HOLDFAST_TEST_COLDSNAP"] ?? (packed === undefined ? null : join(tools, packed));
  if (given === null || !given.endsWith(".xz")) return given;
  const program = join(folder, "coldsnap");
  writeFileSync(program, execFileSync("xz", ["-dc", given], { maxBuffer: 1 << 28 }));
  chmodSync(program, 0o755);
  return program;
}
