import type { EncodedLeaf } from "../format/leaf.ts";
import type { Db } from "./database.ts";
import type { IndexRows } from "./index-rows.ts";

/** New rows of `entry` and `act`, gathered: `entry` has triggers, for which SQLite copies each page before each statement that changes it. */
export type ActRows = {
  add(idx: number, leaf: EncodedLeaf, act: IndexRows["act"]): void;
  /** Whether this entry waits here, and whether one does that has this name. */
  has(idx: number): boolean;
  names(once: string): boolean;
  flush(): void;
  drop(): void;
};

const ROWS = 32;

export function actRows(db: Db): ActRows {
  const insert = (rows: number): { entry: (values: readonly unknown[]) => void; act: (values: readonly unknown[]) => void } => {
    const values = (columns: string): string => Array.from({ length: rows }, () => columns).join(",");
    const entry = db.prepare<unknown[]>(`INSERT INTO entry(idx,leaf,leaf_hash) VALUES${values("(?,?,?)")}`);
    const act = db.prepare<unknown[]>(`INSERT INTO act(idx,case_id,collection,once) VALUES${values("(?,?,?,?)")}`);
    return { entry: (all) => void entry.run(...all), act: (all) => void act.run(...all) };
  };
  const [many, one] = [insert(ROWS), insert(1)];
  const entries: (number | Buffer)[] = [];
  const acts: (number | string | null)[] = [];
  const indexes: number[] = [];
  const waiting = new Set<string>();
  const drop = (): void => {
    entries.length = 0;
    acts.length = 0;
    indexes.length = 0;
    waiting.clear();
  };
  const flush = (): void => {
    if (indexes.length === ROWS) {
      many.entry(entries);
      many.act(acts);
    } else
      for (let i = 0; i < indexes.length; i += 1) {
        one.entry(entries.slice(3 * i, 3 * i + 3));
        one.act(acts.slice(4 * i, 4 * i + 4));
      }
    drop();
  };
  return {
    add(idx, leaf, act) {
      entries.push(idx, leaf.bytes, leaf.hash);
      acts.push(idx, act.caseId, act.collection, act.once);
      indexes.push(idx);
      if (act.once !== null) waiting.add(act.once);
      if (indexes.length === ROWS) flush();
    },
    has: (idx) => indexes.includes(idx),
    names: (once) => waiting.has(once),
    flush,
    drop,
  };
}
