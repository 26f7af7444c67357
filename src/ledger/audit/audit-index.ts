import { exhibitId, parseExhibitId } from "../../core/case.ts";
import type { ActSummary } from "../format/plain-act.ts";
import type { Db } from "../store/database.ts";
import { compareIndex } from "./compare-index.ts";
import type { Problems } from "./problems.ts";

/** Compares the index tables, exhibit chains and exhibit numbers with what the leaves say, act by act in order of the log. */
export type IndexAudit = {
  act(act: ActSummary): void;
  /** The same for one that `compareIndex` has found as it should be: only its place in the log is judged. */
  follow(act: ActSummary): void;
  /** Acts that were compared and have no such place: neither exhibit nor lease, and nothing opened, started or ended. */
  count(acts: number): void;
  end(size: number): void;
};

export function auditIndex(db: Db, problems: Problems): IndexAudit {
  const comparison = compareIndex(db);
  const counts = { act: 0, opened: 0, exhibit: 0 };
  const leases = new Map<string, number>();
  const reserved = new Map<string, number>();
  const running = new Map<string, number>();

  const begin = (act: ActSummary, id: string): void => {
    const { caseId, number } = parseExhibitId(id);
    const due = (reserved.get(caseId) ?? 0) + 1;
    if (number !== due) problems.add("exhibit-gap", act.seq, `entry ${act.seq} begins ${id} where ${exhibitId(caseId, due)} was next`);
    reserved.set(caseId, Math.max(due, number));
  };
  const judge = (act: ActSummary, compared: boolean): void => {
    counts.act += 1;
    counts.exhibit += act.exhibits.length;
    if (act.act === "case-opened") counts.opened += 1;
    if (!compared) comparison.rows(act, problems.add);
    for (const e of act.exhibits) {
      if (e.seq === 0) begin(act, e.id);
      if (!compared) comparison.link(act, e, problems.add);
    }
    const { collection, lease } = act;
    if (collection === null) return;
    if (lease !== null) {
      const high = leases.get(collection) ?? 0;
      if (lease < high)
        problems.add(
          "chain-broken",
          act.seq,
          `entry ${act.seq} was written under lease ${lease} of collection ${collection}, which lease ${high} had taken over`,
        );
      leases.set(collection, Math.max(lease, high));
    }
    if (act.act === "started") running.set(collection, act.seq);
    if (act.act === "finished" || act.act === "cancelled") running.delete(collection);
  };

  return {
    act: (act) => judge(act, false),
    follow: (act) => judge(act, true),
    count(acts) {
      counts.act += acts;
    },
    end(size) {
      for (const table of ["act", "opened", "exhibit"] as const) {
        const rows = Number(db.prepare(`SELECT count(*) FROM ${table} WHERE idx>=0 AND idx<?`).pluck().get(size));
        if (rows > counts[table]) problems.add("index-altered", null, `the index ${table} has ${rows} rows where the leaves give ${counts[table]}`);
        const negative = Number(db.prepare(`SELECT count(*) FROM ${table} WHERE idx<0`).pluck().get());
        if (negative > 0) problems.add("index-altered", null, `the index ${table} names entries before the first`);
      }
      for (const row of db.prepare<[], { readonly collection: string; readonly high: number }>("SELECT collection, high FROM lease").iterate()) {
        if (leases.get(row.collection) !== row.high)
          problems.add(
            "index-altered",
            null,
            `the index says lease ${row.high} for collection ${row.collection}, and the leaves say ${leases.get(row.collection) ?? "none"}`,
          );
        leases.delete(row.collection);
      }
      for (const [collection, high] of leases) problems.add("index-altered", null, `the index does not know lease ${high} of collection ${collection}`);
      for (const [collection, seq] of running)
        problems.add(
          "start-without-end",
          seq,
          `collection ${collection} was started (entry ${seq}) and has neither finished nor been cancelled; it may be running`,
        );
    },
  };
}
