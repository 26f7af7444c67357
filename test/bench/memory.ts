import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { holdfast, makeImage, median, openStore, prepareHome, report } from "./store-contest.ts";

// Peak memory (VmHWM) of a whole collection by the size of the image: flat, and at most 150 MiB.
// `npm run bench memory -- [--rounds N] [--sizes GIB,GIB…] [--dense GIB,…] [--dir DIR]`
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    sizes: { type: "string", default: "1,4,16,64" },
    dense: { type: "string", default: "1,4" },
    dir: { type: "string", default: tmpdir() },
  },
});
const gibibyte = 1024 ** 3;
const list = (text: string): readonly number[] => (text === "" ? [] : text.split(",").map(Number));
const images = [
  ...list(values.dense).map((gib) => ({ name: `${gib} GiB dense`, size: gib * gibibyte, data: gib * gibibyte })),
  ...list(values.sizes).map((gib) => ({ name: `${gib} GiB with 512 MiB of data`, size: gib * gibibyte, data: gibibyte / 2 })),
];
const folder = mkdtempSync(join(values.dir, "holdfast-bench-"));
const sink = await openStore("sink");
try {
  const home = await prepareHome(folder, sink);
  const warm = join(folder, "warm");
  await makeImage(warm, 1024 ** 2 * 32, 1024 ** 2 * 32);
  await holdfast(home, warm, null);
  const rows = [];
  for (const { name, size, data } of images) {
    const file = join(folder, "image");
    await makeImage(file, size, data);
    const runs = [];
    for (let round = 0; round < Number(values.rounds); round += 1) runs.push(await holdfast(home, file, null));
    rmSync(file);
    const peaks = runs.map((r) => r.peakMiB);
    rows.push({
      name,
      medianPeakMiB: Math.round(median(peaks)),
      maxPeakMiB: Math.round(Math.max(...peaks)),
      medianSeconds: Number(median(runs.map((r) => r.seconds)).toFixed(2)),
      targetMiB: 150,
    });
    console.error(JSON.stringify(rows.at(-1)));
  }
  console.table(rows);
  report("memory", { rounds: Number(values.rounds), rows });
} finally {
  await sink.stop();
  rmSync(folder, { recursive: true });
}
