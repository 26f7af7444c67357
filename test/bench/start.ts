import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// How long a person waits for help and version, against Node that does nothing: interleaved rounds, medians, differences in ms.
const rounds = 15;
const launcher = fileURLToPath(new URL("../../src/cli/holdfast.mjs", import.meta.url));
const variants: Readonly<Record<string, readonly string[]>> = {
  "node -e 0": ["-e", "0"],
  "holdfast --version": [launcher, "--version"],
  "holdfast --help": [launcher, "--help"],
};
const times = new Map<string, number[]>(Object.keys(variants).map((name) => [name, []]));
for (const args of Object.values(variants)) spawnSync(process.execPath, args); // warm: page cache and compile cache
for (let round = 0; round < rounds; round++)
  for (const [name, args] of Object.entries(variants)) {
    const begun = performance.now();
    spawnSync(process.execPath, args);
    times.get(name)?.push(performance.now() - begun);
  }

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const base = median(times.get("node -e 0") ?? []);
const rows = [...times].map(([name, values]) => ({
  name,
  medianMs: Math.round(median(values)),
  minMs: Math.round(Math.min(...values)),
  maxMs: Math.round(Math.max(...values)),
  overNodeMs: Math.round(median(values) - base),
}));
console.table(rows);
console.log("target: at most 100 ms over node");
mkdirSync("bench-results", { recursive: true });
writeFileSync("bench-results/start.json", `${JSON.stringify({ bench: "start", rounds, rows }, null, 2)}\n`);
