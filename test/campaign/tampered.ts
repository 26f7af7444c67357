import { describeError } from "../../src/core/error.ts";
import type { LedgerAudit } from "../../src/core/verdict.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { forever } from "../ledger/support.ts";
import type { Edit } from "./edit.ts";
import { fileEdits } from "./edits-files.ts";
import { rowEdits } from "./edits-rows.ts";
import { swapEdits } from "./edits-swaps.ts";
import { buildHome, type CampaignHome } from "./homes.ts";
import { type Outsiders, outsiders } from "./outsiders.ts";
import type { CampaignEnd, CampaignWish } from "./campaign.ts";
import { type Seeded, seeded } from "./seeded.ts";

export const edits: readonly Edit[] = [...rowEdits, ...fileEdits, ...swapEdits];
/** `count` homes of 1 to `largest` acts, each audited untouched, then with one edit. Each kind of edit has its turn; the rest is the seed's choice. */
export async function tampered({ seed, count, say }: CampaignWish, largest: number = 5_000): Promise<CampaignEnd> {
  const failures: string[] = [];
  const made = new Map<string, number>();
  let untouched = 0;
  let found = 0;
  await using outside = await outsiders();
  for (let i = 0; i < count; i += 1) {
    const random = seeded(seed + i);
    const { home, edit, apply } = await homeFor(edits[i % edits.length], random, outside, largest);
    try {
      const before = await audit(home);
      if (before === "intact") untouched += 1;
      else failures.push(`home ${i} (${home.size} acts), untouched: ${before}`);
      await apply();
      made.set(edit.name, (made.get(edit.name) ?? 0) + 1);
      const wrong = await misnamed(home, edit);
      if (wrong === null) found += 1;
      else failures.push(`home ${i} (${home.size} acts${home.wal ? ", WAL" : ""}), ${edit.name}: ${wrong}`);
    } finally {
      home.remove();
    }
    if ((i + 1) % 100 === 0) say(`${i + 1} homes, ${failures.length} failures`);
  }
  return {
    summary: `tampered: seed ${seed}: ${found} of ${count} tampered homes found and rightly named (${made.size} of ${edits.length} kinds of edit), ${untouched} of ${count} untouched ones intact`,
    failures,
  };
}

type Made = { readonly home: CampaignHome; readonly edit: Edit; readonly apply: () => Promise<void> | void };

/** A home that this edit can be made to. A few need luck: a head with two commits in its WAL, a kept note of no size 1. */
async function homeFor(edit: Edit | undefined, random: Seeded, outside: Outsiders, largest: number): Promise<Made> {
  if (edit === undefined) throw new RangeError("no such edit");
  const { acts = 1, wal, anchors } = edit.needs ?? {};
  for (let tried = 0; tried < 20; tried += 1) {
    const size = Math.max(acts, random.size(largest));
    const anchored = anchors === true || random.int(5) === 0;
    const home = await buildHome(random, { size, wal: wal ?? random.int(3) === 0, anchors: anchored ? outside.anchor : null });
    const apply = edit.make(home, random);
    if (apply !== null && (wal === undefined || home.wal === wal)) return { home, edit, apply };
    home.remove();
  }
  throw new Error(`no home could be made for: ${edit.name}`);
}

async function audit(home: CampaignHome): Promise<string> {
  const { verdict, problems } = await auditLedger(home.paths, forever, home.policy);
  const wrong = problems.filter(({ kind }) => kind !== "start-without-end");
  return verdict === "intact" && wrong.length === 0 ? "intact" : `${verdict}: ${wrong.map(({ text }) => text).join("; ")}`;
}

async function misnamed(home: CampaignHome, edit: Edit): Promise<string | null> {
  let found: LedgerAudit;
  try {
    found = await auditLedger(home.paths, forever, home.policy);
  } catch (error) {
    return `the audit broke off: ${describeError(error)}`;
  }
  const kinds = found.problems.map(({ kind }) => kind);
  if (edit.verdicts.includes(found.verdict) && edit.kinds.some((kind) => kinds.includes(kind))) return null;
  return `${found.verdict} instead of ${edit.verdicts.join(" or ")}, ${[...new Set(kinds)].join(", ") || "nothing"} instead of ${edit.kinds.join(" or ")}`;
}
