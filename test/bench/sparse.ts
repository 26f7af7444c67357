import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { eachZeroBlock } from "../../src/stream/zeros.ts";
import { holdfast, interleave, makeImage, median, openStore, prepareHome, rclone, report } from "./store-contest.ts";

// A large image with little data in it against rclone with the data alone. The whole image's SHA-256 has to run over the zeros too,
// and no part of it can be left out or split: that floor is measured beside it.
// `npm run bench sparse -- [--rounds N] [--size BYTES] [--data BYTES] [--dir DIR]`
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    size: { type: "string", default: String(64 * 1024 ** 3) },
    data: { type: "string", default: String(2 * 1024 ** 3) },
    dir: { type: "string", default: tmpdir() },
  },
});
const [rounds, size, data] = [Number(values.rounds), Number(values.size), Number(values.data)];
const folder = mkdtempSync(join(values.dir, "holdfast-bench-"));
const sink = await openStore("sink");
try {
  const [sparse, dense] = [join(folder, "sparse"), join(folder, "dense")];
  await makeImage(sparse, size, data);
  await makeImage(dense, data, data);
  const home = await prepareHome(folder, sink);
  const results = await interleave(["holdfast", "rclone copyto of the data", "floor: SHA-256 of the size"], rounds, async (name) => {
    if (name === "holdfast") return await holdfast(home, sparse, null);
    if (name.startsWith("rclone")) return await rclone(sink.url, dense);
    const begun = performance.now();
    const sample = Math.min(size, 4 * 1024 ** 3);
    const hash = createHash("sha256");
    eachZeroBlock(sample, (block) => hash.update(block));
    hash.digest();
    const seconds = ((performance.now() - begun) / 1000) * (size / sample);
    return { seconds, cpuSeconds: seconds, peakMiB: 0, stdout: "" };
  });
  const own = results.get("holdfast") ?? [];
  const rows = [...results].map(([name, runs]) => ({
    name,
    medianSeconds: Number(median(runs.map((r) => r.seconds)).toFixed(2)),
    medianCpuSeconds: Number(median(runs.map((r) => r.cpuSeconds)).toFixed(2)),
    peakMiB: Math.round(Math.max(...runs.map((r) => r.peakMiB))),
    holdfastRatio: Number(median(own.map((r, i) => r.seconds / (runs[i]?.seconds ?? 1))).toFixed(2)),
    target: name.startsWith("rclone") ? 1.0 : null,
  }));
  console.table(rows);
  report("sparse", { size, data, rounds, rows });
} finally {
  await sink.stop();
  rmSync(folder, { recursive: true });
}
