import { describeError } from "../../core/error.ts";
import { type Checkpoint, openCheckpoint } from "../format/checkpoint.ts";
import type { Db } from "../store/database.ts";
import type { Vkey } from "../keys/log-key.ts";
import type { Hash } from "../format/merkle.ts";
import type { Problems } from "./problems.ts";

/** Every kept note: both signatures, and its root against the tree as it passes that size. */
export type CheckpointAudit = {
  reached(size: number, root: () => Hash): void;
  /** The notes of sizes that the tree never reached; the largest size of a note, or null. */
  end(size: number): { readonly beyond: number; readonly newest: number | null };
};

type Row = { readonly size: number; readonly note: Buffer };

export function auditCheckpoints(db: Db, origin: string, vkeys: readonly Vkey[], problems: Problems): CheckpointAudit {
  const following = db.prepare<[number], Row>("SELECT size, note FROM checkpoint WHERE size>? ORDER BY size LIMIT 1");
  let next: Row | undefined = following.get(-1);
  let newest: number | null = null;
  let first: number | null = null;

  const check = (row: Row, root: Hash): void => {
    let checkpoint: Checkpoint;
    try {
      checkpoint = openCheckpoint(row.note, origin, vkeys);
    } catch (error) {
      problems.add("checkpoint-altered", null, `the note kept for size ${row.size} does not hold: ${describeError(error)}`);
      return;
    }
    if (checkpoint.size !== row.size) problems.add("checkpoint-altered", null, `the note kept for size ${row.size} is of size ${checkpoint.size}`);
    else if (!checkpoint.root.equals(root) && first === null) {
      first = row.size;
      problems.add(
        "root-differs",
        null,
        `its first ${row.size} entries give the root ${root.toString("base64")}, and the note kept for that size signs ${checkpoint.root.toString("base64")}; something before entry ${row.size} is not what was signed`,
      );
    }
  };

  return {
    reached(size, root) {
      if (next?.size !== size) return;
      check(next, root());
      newest = next.size;
      next = following.get(size);
    },
    end(size) {
      const beyond = Number(db.prepare("SELECT count(*) FROM checkpoint WHERE size>?").pluck().get(size));
      const largest: unknown = db.prepare("SELECT max(size) FROM checkpoint").pluck().get();
      if (next !== undefined && next.size <= size) problems.add("checkpoint-altered", null, `a note is kept for size ${next.size}, which the log never had`);
      return { beyond, newest: typeof largest === "number" ? largest : newest };
    },
  };
}
