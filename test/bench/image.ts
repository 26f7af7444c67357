import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { after, awsCopy, holdfast, interleave, makeImage, median, openStore, prepareHome, rclone, report, type Run, run } from "./store-contest.ts";

// An incompressible image into a discarding S3 sink: Holdfast, everything included, against what people type instead, in one run.
// `npm run bench image -- [--rounds N] [--size BYTES] [--into sink|minio|versitygw] [--dir DIR]`
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    size: { type: "string", default: String(2 * 1024 ** 3) },
    dir: { type: "string", default: tmpdir() },
    into: { type: "string", default: "sink" },
  },
});
const rounds = Number(values.rounds);
const size = Number(values.size);
const folder = mkdtempSync(join(values.dir, "holdfast-bench-"));
const sink = await openStore(values.into);
try {
  const file = join(folder, "image");
  await makeImage(file, size, size);
  const home = await prepareHome(folder, sink);
  const digest = (await run("openssl", ["dgst", "-sha256", "-r", file])).stdout.slice(0, 64); // also warms the page cache
  await holdfast(home, file, digest); // and the code cache, as every run but a user's first finds it
  const contestants: Readonly<Record<string, () => Promise<Run>>> = {
    holdfast: () => holdfast(home, file, digest),
    "A sha256sum; rclone copyto": () => after(run("sha256sum", [file]), () => rclone(sink.url, file)),
    "B openssl dgst; aws s3 cp": () => after(run("openssl", ["dgst", "-sha256", file]), () => awsCopy(sink.url, file)),
    "C aws s3 cp": () => awsCopy(sink.url, file),
  };
  const targets: Readonly<Record<string, number>> = { "A sha256sum; rclone copyto": 0.28, "B openssl dgst; aws s3 cp": 0.7, "C aws s3 cp": 1.0 };
  const results = await interleave(Object.keys(contestants), rounds, async (name) => {
    const contestant = contestants[name];
    if (contestant === undefined) throw new TypeError(`no contestant ${name}`);
    return await contestant();
  });
  const own = results.get("holdfast") ?? [];
  const rows = [...results].map(([name, runs]) => ({
    name,
    medianSeconds: Number(median(runs.map((r) => r.seconds)).toFixed(2)),
    minSeconds: Number(Math.min(...runs.map((r) => r.seconds)).toFixed(2)),
    maxSeconds: Number(Math.max(...runs.map((r) => r.seconds)).toFixed(2)),
    medianCpuSeconds: Number(median(runs.map((r) => r.cpuSeconds)).toFixed(2)),
    peakMiB: Math.round(Math.max(...runs.map((r) => r.peakMiB))),
    /** Median of the ratios of each round. */
    holdfastRatio: Number(median(own.map((r, i) => r.seconds / (runs[i]?.seconds ?? 1))).toFixed(2)),
    target: values.into === "sink" ? (targets[name] ?? null) : null,
  }));
  console.table(rows);
  report(values.into === "sink" ? "image" : `image-${values.into}`, { size, rounds, into: values.into, rows });
} finally {
  await sink.stop();
  rmSync(folder, { recursive: true });
}
