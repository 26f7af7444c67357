import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { ActDraft } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import type { Recorder } from "../../src/core/recorder.ts";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { openRecorder } from "../../src/ledger/write/writer.ts";

// Durable acts a second against plain SQLite inserts of rows of the same size at the same durability (WAL, synchronous=FULL), side by
// side in one run: `node test/bench/ledger.ts [DIR]`. DIR is on the disk to be measured.
const ROUNDS = 7;
const ONE_BY_ONE = 300;
const BATCHES = 60;
const BATCH = 64;
const IN_FLIGHT = 16;
const LEAF_BYTES = 1_330; // what the act below takes, so that both write as much

const base = mkdtempSync(join(process.argv[2] ?? tmpdir(), "holdfast-bench-"));
const paths: LedgerPaths = { ledger: join(base, "ledger.db"), head: join(base, "head.db"), keys: join(base, "keys") };
const clock = (): Date => new Date();
createLedger(paths, "ledger.example/l/bench", randomBytes, clock);

const spent = { commit: 0, sign: 0, swap: 0, commits: 0 };
let mark = 0;
const since = (): number => {
  const now = performance.now();
  const gone = now - mark;
  mark = now;
  return gone;
};
const recorder: Recorder = await openRecorder({
  paths,
  origin: "ledger.example/l/bench",
  clock,
  random: randomBytes,
  clockQuality: { offsetMs: null, uncertaintyMs: null, source: "system clock" },
  tool: { name: "holdfast", version: "0.0.0-bench", sha256: parseSha256("0".repeat(64)) },
  onStep(step) {
    const gone = since();
    if (step === "committed") spent.commit += gone;
    else if (step === "signed") spent.sign += gone;
    else if (step === "swapped") {
      spent.swap += gone;
      spent.commits += 1;
    }
  },
});

const plain = new Database(join(base, "plain.db"));
plain.pragma("journal_mode=WAL");
plain.pragma("synchronous=FULL");
plain.exec("CREATE TABLE entry(idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL) STRICT");
const insert = plain.prepare("INSERT INTO entry(leaf,leaf_hash) VALUES(?,?)");
const leaf = randomBytes(LEAF_BYTES);
const hash = randomBytes(32);
const insertBatch = plain.transaction((count: number) => {
  for (let i = 0; i < count; i += 1) insert.run(leaf, hash);
});

let serial = 0;
const act = (): ActDraft => {
  serial += 1;
  return actDraft(
    "accessed",
    { id: "jane.doe@example.org", kind: "person", proof: "asserted" },
    {
      reason: "benchmark",
      collection: null,
      target: "host:local",
      detail: { serial, path: "/var/log/auth.log" },
    },
  );
};
const batch = (): ActDraft[] => Array.from({ length: BATCH }, act);

async function inFlight(count: number, width: number, send: () => Promise<unknown>): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left > 0) {
        left -= 1;
        await send();
      }
    }),
  );
}

type Contest = { readonly name: string; readonly acts: number; run(): Promise<void> | void };
const contests: readonly Contest[] = [
  {
    name: "plain, one by one",
    acts: ONE_BY_ONE,
    run: () => {
      for (let i = 0; i < ONE_BY_ONE; i += 1) insert.run(leaf, hash);
    },
  },
  {
    name: "ledger, one by one",
    acts: ONE_BY_ONE,
    run: async () => {
      for (let i = 0; i < ONE_BY_ONE; i += 1) await recorder.append([act()]);
    },
  },
  { name: "ledger, single acts, 16 callers", acts: ONE_BY_ONE * 4, run: () => inFlight(ONE_BY_ONE * 4, IN_FLIGHT, () => recorder.append([act()])) },
  {
    name: "plain, batches of 64",
    acts: BATCHES * BATCH,
    run: () => {
      for (let i = 0; i < BATCHES; i += 1) insertBatch(BATCH);
    },
  },
  {
    name: "ledger, batches of 64",
    acts: BATCHES * BATCH,
    run: async () => {
      for (let i = 0; i < BATCHES; i += 1) await recorder.append(batch());
    },
  },
  { name: "ledger, batches of 64, 16 callers", acts: BATCHES * BATCH, run: () => inFlight(BATCHES, IN_FLIGHT, () => recorder.append(batch())) },
];

const rates = new Map<string, number[]>(contests.map((c) => [c.name, []]));
const steps = new Map<string, { commit: number; sign: number; swap: number; commits: number }>();
for (const contest of contests) await contest.run(); // one round to warm up, not counted
for (let round = 0; round < ROUNDS; round += 1)
  for (const contest of contests) {
    Object.assign(spent, { commit: 0, sign: 0, swap: 0, commits: 0 });
    const from = performance.now();
    await contest.run();
    rates.get(contest.name)?.push((contest.acts / (performance.now() - from)) * 1_000);
    const sum = steps.get(contest.name) ?? { commit: 0, sign: 0, swap: 0, commits: 0 };
    steps.set(contest.name, {
      commit: sum.commit + spent.commit,
      sign: sum.sign + spent.sign,
      swap: sum.swap + spent.swap,
      commits: sum.commits + spent.commits,
    });
  }
await recorder.close();
plain.close();
rmSync(base, { recursive: true });

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const rows = contests.map(({ name }) => {
  const all = rates.get(name) ?? [];
  const versus = name.includes("batches") ? "plain, batches of 64" : "plain, one by one";
  const against = rates.get(versus) ?? [];
  const step = steps.get(name);
  const per = (ms: number): number | null => (step === undefined || step.commits === 0 ? null : Number((ms / step.commits).toFixed(3)));
  return {
    name,
    actsPerSecond: Math.round(median(all)),
    least: Math.round(Math.min(...all)),
    most: Math.round(Math.max(...all)),
    ratio: Number(median(all.map((rate, i) => rate / (against[i] ?? 1))).toFixed(2)),
    msPerCommit: { fsync: per(step?.commit ?? 0), sign: per(step?.sign ?? 0), swap: per(step?.swap ?? 0) },
  };
});
console.log(`${"".padEnd(36)}${"acts/s".padStart(9)}${"least".padStart(9)}${"most".padStart(9)}${"÷ plain".padStart(9)}   ms a commit: fsync, sign, swap`);
for (const row of rows) {
  const { fsync, sign, swap } = row.msPerCommit;
  console.log(
    `${row.name.padEnd(36)}${String(row.actsPerSecond).padStart(9)}${String(row.least).padStart(9)}${String(row.most).padStart(9)}${row.ratio.toFixed(2).padStart(9)}   ${fsync === null ? "" : `${fsync} ${sign} ${swap}`}`,
  );
}
mkdirSync("bench-results", { recursive: true });
writeFileSync(
  "bench-results/ledger.json",
  `${JSON.stringify({ schema: "holdfast.bench/1", bench: "ledger", node: process.version, system: `${process.platform} ${release()}, ${cpus().length} cpus`, rounds: ROUNDS, rows }, null, 1)}\n`,
);
