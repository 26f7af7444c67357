import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { notes, open } from "../ledger/support.ts";
import type { Edit } from "./edit.ts";
import { buildHome, type CampaignHome, copyDatabaseFiles, copyHome } from "./homes.ts";
import type { Seeded } from "./seeded.ts";

/** Whole files put in the place of others: of another home, of an earlier day, of another history under the same keys. */
export const swapEdits: readonly Edit[] = [
  {
    name: "ledger.db of another home",
    verdicts: ["altered"],
    kinds: ["checkpoint-altered"],
    make: (home, random) => withOther(home, random, (other) => copyDatabaseFiles(other.paths.ledger, home.paths.ledger)),
  },
  {
    name: "head.db of another home",
    verdicts: ["altered"],
    kinds: ["signature"],
    make: (home, random) => withOther(home, random, (other) => copyDatabaseFiles(other.paths.head, home.paths.head)),
  },
  {
    name: "both databases of another home",
    verdicts: ["altered"],
    kinds: ["signature"],
    make: (home, random) =>
      withOther(home, random, (other) => {
        copyDatabaseFiles(other.paths.ledger, home.paths.ledger);
        copyDatabaseFiles(other.paths.head, home.paths.head);
      }),
  },
  {
    name: "keys of another home",
    verdicts: ["altered"],
    kinds: ["signature"],
    make: (home, random) =>
      withOther(home, random, (other) => {
        rmSync(home.paths.keys, { recursive: true });
        cpSync(other.paths.keys, home.paths.keys, { recursive: true });
      }),
  },
  {
    name: "ledger.db and head.db exchanged",
    verdicts: ["altered"],
    kinds: ["checkpoint-altered"],
    make: (home) => () => {
      for (const part of ["", "-wal", "-shm"]) {
        const [a, b, aside] = [`${home.paths.ledger}${part}`, `${home.paths.head}${part}`, join(home.dir, "aside")];
        const move = (from: string, to: string): void => {
          try {
            renameSync(from, to);
          } catch {
            // A database without this part: then the other one has none, either.
          }
        };
        move(a, aside);
        move(b, a);
        move(aside, b);
      }
    },
  },
  {
    name: "ledger.db of an earlier day",
    needs: { acts: 5 },
    verdicts: ["rollback"],
    kinds: ["rollback"],
    make: (home) => fromOld(home, (old) => copyDatabaseFiles(old.ledger, home.paths.ledger)),
  },
  {
    name: "head.db of an earlier day",
    needs: { acts: 5 },
    verdicts: ["rollback"],
    kinds: ["rollback"],
    make: (home) => fromOld(home, (old) => copyDatabaseFiles(old.head, home.paths.head)),
  },
  {
    name: "ledger.db of another history that is shorter",
    needs: { acts: 5 },
    verdicts: ["rollback"],
    kinds: ["rollback"],
    make: (home) => (home.size - home.oldSize < 2 ? null : otherHistory(home, home.size - home.oldSize - 1)),
  },
  {
    name: "ledger.db of another history that is as long",
    needs: { acts: 5 },
    verdicts: ["fork"],
    kinds: ["fork"],
    make: (home) => otherHistory(home, home.size - home.oldSize),
  },
  {
    name: "ledger.db of another history that is longer",
    needs: { acts: 5 },
    verdicts: ["fork"],
    kinds: ["fork"],
    make: (home, random) => otherHistory(home, home.size - home.oldSize + 1 + random.int(5)),
  },
];

function withOther(home: CampaignHome, random: Seeded, swap: (other: CampaignHome) => void): () => Promise<void> {
  return async () => {
    const other = await buildHome(random, { size: 1 + random.int(home.size * 2), wal: random.int(2) === 0, anchors: null });
    try {
      swap(other);
    } finally {
      other.remove();
    }
  };
}

function fromOld(home: CampaignHome, swap: (old: NonNullable<CampaignHome["old"]>) => void): (() => void) | null {
  const { old } = home;
  return old === null ? null : () => swap(old);
}

/** The earlier day's copy gone on with under the log's own keys, against the head of what happened. */
function otherHistory(home: CampaignHome, acts: number): (() => Promise<void>) | null {
  const { old } = home;
  if (old === null) return null;
  return async () => {
    const fork = copyHome(old, join(home.dir, "..", "fork"));
    const recorder = await open(fork);
    for (let i = 0; i < acts; i += 100) await recorder.append(notes(Math.min(100, acts - i), 1_000_000 + i));
    await recorder.close();
    copyDatabaseFiles(fork.ledger, home.paths.ledger);
  };
}
