import { exhibitId, parseExhibitId } from "../../core/case.ts";
import type { LedgerProblem } from "../../core/verdict.ts";
import type { ActSummary } from "../format/plain-act.ts";
import type { Db } from "../store/database.ts";
import { indexRows } from "../store/index-rows.ts";

type Add = (kind: LedgerProblem["kind"], seq: number, text: string) => void;

/** Compares the index tables and the links of exhibit chains with what a leaf says: what needs no memory of the acts before it. */
export type IndexComparison = {
  rows(act: ActSummary, add: Add): void;
  link(act: ActSummary, e: ActSummary["exhibits"][number], add: Add): void;
  /** All of that for neighbouring acts, in order of the log. */
  holds(acts: readonly ActSummary[]): boolean;
};

type ActRow = readonly [idx: unknown, caseId: unknown, collection: unknown, once: unknown];
const NO_PREVIOUS = "0".repeat(64);

export function compareIndex(db: Db): IndexComparison {
  const actRows = db.prepare<[number, number], ActRow>("SELECT idx, case_id, collection, once FROM act WHERE idx>=? AND idx<=? ORDER BY idx").raw();
  const opened = db.prepare<[string]>("SELECT idx FROM opened WHERE case_id=?").pluck();
  const exhibit = db.prepare<[string, number, number]>("SELECT idx FROM exhibit WHERE case_id=? AND number=? AND seq=?").pluck();
  const hashAt = db.prepare<[number]>("SELECT leaf_hash FROM entry WHERE idx=?").pluck();

  const others = (act: ActSummary, add: Add): void => {
    const rows = indexRows(act.seq, { ...act, exhibits: act.exhibits.map((e) => ({ id: e.id, exhibit_seq: e.seq })) });
    if (rows.opened !== null && opened.get(rows.opened) !== act.seq)
      add("index-altered", act.seq, `the index does not say that entry ${act.seq} opened case ${rows.opened}`);
    for (const x of rows.exhibits)
      if (exhibit.get(x.caseId, x.number, x.seq) !== act.seq)
        add("index-altered", act.seq, `the index does not say that entry ${act.seq} is act ${x.seq} of ${exhibitId(x.caseId, x.number)}`);
  };
  const link: IndexComparison["link"] = (act, e, add) => {
    const { caseId, number } = parseExhibitId(e.id);
    if (e.seq === 0) {
      const openedAt: unknown = opened.get(caseId);
      if (typeof openedAt !== "number" || openedAt > act.seq) add("chain-broken", act.seq, `entry ${act.seq} begins ${e.id}, whose case was not opened before`);
      if (e.prev !== NO_PREVIOUS) add("chain-broken", act.seq, `entry ${act.seq} begins the chain of ${e.id} with a previous act`);
      return;
    }
    const before: unknown = exhibit.get(caseId, number, e.seq - 1);
    const hash: unknown = typeof before === "number" && before < act.seq ? hashAt.get(before) : null;
    if (!Buffer.isBuffer(hash) || hash.toString("hex") !== e.prev)
      add("chain-broken", act.seq, `entry ${act.seq} says that it follows act ${e.seq - 1} of ${e.id}, and no such act precedes it`);
  };
  return {
    rows(act, add) {
      if (!says(actRows.get(act.seq, act.seq), act)) add("index-altered", act.seq, `the index of entry ${act.seq} does not say what its leaf says`);
      others(act, add);
    },
    link,
    holds(acts) {
      const [first, last] = [acts[0], acts.at(-1)];
      if (first === undefined || last === undefined) return true;
      const rows = actRows.all(first.seq, last.seq);
      let whole = rows.length === acts.length;
      const add = (): void => {
        whole = false;
      };
      for (const [i, act] of acts.entries()) {
        if (!says(rows[i], act)) return false;
        if (act.act !== "case-opened" && act.exhibits.length === 0) continue;
        others(act, add);
        for (const e of act.exhibits) link(act, e, add);
      }
      return whole;
    },
  };
}

function says(row: ActRow | undefined, act: ActSummary): boolean {
  return row !== undefined && row[0] === act.seq && row[1] === act.case && row[2] === act.collection && row[3] === act.once;
}
