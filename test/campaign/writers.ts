import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { ORIGIN, pathsIn } from "../ledger/support.ts";
import type { CampaignEnd, CampaignWish } from "./campaign.ts";
import { type Seeded, seeded } from "./seeded.ts";
import { situations } from "./writer-situations.ts";

/** A home in a folder of its own, with room for copies beside it. */
export type Bench = {
  readonly dir: string;
  readonly paths: LedgerPaths;
  readonly random: Seeded;
  /** The whole home as it is now, elsewhere: a copy, a backup, a snapshot of the machine. */
  copy(name: string): LedgerPaths;
};

/** What must come of two writers in one situation; null where it came. */
export type Situation = { readonly name: string; readonly play: (bench: Bench) => Promise<string | null> };

/** `count` times two writers that each take the ledger for theirs. */
export async function writers({ seed, count, say }: CampaignWish): Promise<CampaignEnd> {
  const failures: string[] = [];
  const tally = new Map<string, number>();
  for (let i = 0; i < count; i += 1) {
    const situation = situations[i % situations.length];
    if (situation === undefined) break;
    const base = mkdtempSync(join(tmpdir(), "holdfast-writers-"));
    const paths = pathsIn(join(base, "home"));
    try {
      createLedger(paths, ORIGIN, randomBytes, () => new Date());
      const copy = (name: string): LedgerPaths => {
        cpSync(join(base, "home"), join(base, name), { recursive: true });
        return pathsIn(join(base, name));
      };
      const wrong = await situation.play({ dir: join(base, "home"), paths, random: seeded(seed + i), copy });
      if (wrong === null) tally.set(situation.name, (tally.get(situation.name) ?? 0) + 1);
      else failures.push(`round ${i}, ${situation.name}: ${wrong}`);
    } finally {
      rmSync(base, { recursive: true });
    }
    if ((i + 1) % 50 === 0) say(`${i + 1} rounds, ${failures.length} failures`);
  }
  return { summary: `writers: seed ${seed}: ${[...tally].map(([name, times]) => `${name} (${times})`).join("; ")}`, failures };
}
