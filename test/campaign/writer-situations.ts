import { randomBytes } from "node:crypto";
import { cpSync, renameSync, rmSync } from "node:fs";
import { describeError } from "../../src/core/error.ts";
import type { AnchorPolicy } from "../../src/ledger/anchors/anchor-policy.ts";
import { anchorNow } from "../../src/ledger/anchors/anchors.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { parseWitnessKey } from "../../src/ledger/anchors/cosignature.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { startWitness } from "../clouds/witness-fake.ts";
import { forever, notes, open, ORIGIN } from "../ledger/support.ts";
import { judgeHome } from "./judge-home.ts";
import type { Bench, Situation } from "./writers.ts";

export const situations: readonly Situation[] = [
  {
    name: "two on one file: one history, every receipt holds",
    async play({ paths, random }) {
      const both = [await open(paths), await open(paths)];
      const calls = Array.from({ length: 10 + random.int(30) }, (_, i) => both[random.int(2)]?.append(notes(1 + random.int(3), i * 10)) ?? Promise.resolve([]));
      const receipts = (await Promise.all(calls)).flat();
      for (const recorder of both) await recorder.close();
      const seqs = receipts.map(({ seq }) => seq).sort((a, b) => a - b);
      if (seqs.some((seq, i) => seq !== i)) return `entries ${seqs.join(" ")}`;
      return (await judgeHome(paths, receipts)).join("; ") || null;
    },
  },
  {
    name: "a copied home, the copy behind: ROLLBACK with both sizes",
    play: (bench) => copied(bench, 2 + bench.random.int(20), 1, "rollback"),
  },
  {
    name: "a copied home, the copy as long: FORK",
    async play(bench) {
      const acts = 1 + bench.random.int(20);
      return copied(bench, acts, acts, "fork");
    },
  },
  {
    name: "a copied home, the copy ahead: FORK with both sizes",
    async play(bench) {
      const acts = 1 + bench.random.int(10);
      return copied(bench, acts, acts + 1 + bench.random.int(10), "fork");
    },
  },
  {
    name: "ledger.db of a snapshot: refused with both sizes",
    play: (bench) => restored(bench, "ledger", /^ROLLBACK/),
  },
  {
    name: "head.db of a snapshot: refused with both sizes",
    play: (bench) => restored(bench, "head", /^ROLLBACK/),
  },
  {
    name: "a snapshot put back by renaming under a writer: fenced, no receipt",
    play: (bench) => underWriter(bench, (from, to) => renameSync(from, to)),
  },
  {
    name: "a home removed under a writer: fenced, no receipt",
    play: (bench) => underWriter(bench, (_, to) => rmSync(to, { recursive: true })),
  },
];

/** The original is witnessed with `acts` new ones, the copy with `others` of its own. Nothing local can see it: the witness does. */
async function copied(bench: Bench, acts: number, others: number, due: "rollback" | "fork"): Promise<string | null> {
  const { paths, random } = bench;
  const common = 1 + random.int(20);
  await append(paths, common);
  const { vkeys } = readVkeys(paths.keys);
  const witness = await startWitness("witness.example/w1", ORIGIN, vkeys);
  try {
    const policy: AnchorPolicy = { quorum: 1, authorities: [], witnesses: [{ name: "w1", url: witness.url, key: parseWitnessKey(witness.vkey, "vkey") }] };
    const cosign = async (of: LedgerPaths): Promise<{ kind: string; text: string }> => {
      const [done] = await anchorNow(of, policy, ["witness:w1"], { fetch, clock: () => new Date(), random: randomBytes }, forever);
      return { kind: done?.kind ?? "none", text: done?.text ?? "" };
    };
    const first = await cosign(paths);
    const copy = bench.copy("copy");
    await append(paths, acts, 1_000);
    const second = await cosign(paths);
    if (first.kind !== "anchored" || second.kind !== "anchored") return `the original is not cosigned: ${first.text} ${second.text}`;
    await append(copy, others, 2_000);
    const { kind, text } = await cosign(copy);
    if (kind !== due) return `${kind} instead of ${due}: ${text}`;
    const sizes = [String(common + acts), String(common + others)];
    return sizes.every((size) => new RegExp(`\\b${size}\\b`).test(text)) ? null : `not both of ${sizes.join(" and ")} are named: ${text}`;
  } finally {
    await witness.stop();
  }
}

/** One of the two databases from before at least two commits; the other of today. */
async function restored(bench: Bench, which: "ledger" | "head", due: RegExp): Promise<string | null> {
  const { paths, random } = bench;
  const before = 1 + random.int(20);
  await append(paths, before);
  const old = bench.copy("old");
  await append(paths, 1 + random.int(10), 1_000);
  await append(paths, 1 + random.int(10), 2_000);
  const now = (await auditLedger(paths, forever)).found.size;
  for (const part of ["-wal", "-shm"]) rmSync(`${paths[which]}${part}`, { force: true });
  cpSync(old[which], paths[which]);
  try {
    await (await open(paths)).close();
    return "the writer opens it";
  } catch (error) {
    const text = describeError(error);
    if (!due.test(text)) return `it says: ${text}`;
    const newest = which === "ledger" ? now : /\bsize (\d+)/.exec(text)?.[1];
    return text.includes(` ${before}`) && text.includes(` ${newest}`) ? null : `not both of ${before} and ${now} are named: ${text}`;
  }
}

async function underWriter(bench: Bench, put: (from: string, to: string) => void): Promise<string | null> {
  const { paths, random } = bench;
  await append(paths, 1 + random.int(20));
  const old = bench.copy("old");
  const recorder = await open(paths);
  const receipts = await recorder.append(notes(1 + random.int(5), 1_000));
  for (const file of ["ledger", "head"] as const) put(old[file], paths[file]);
  try {
    const more = await recorder.append(notes(1));
    return `it gave a receipt of entry ${more[0]?.seq} (after entry ${receipts.at(-1)?.seq}) in a file that nobody finds`;
  } catch (error) {
    return /was removed, or another file put in its place/.test(describeError(error)) ? null : `it says: ${describeError(error)}`;
  } finally {
    await recorder.close();
  }
}

async function append(paths: LedgerPaths, count: number, from: number = 0): Promise<void> {
  const recorder = await open(paths);
  await recorder.append(notes(count, from));
  await recorder.close();
}
