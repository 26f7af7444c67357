import type { Act } from "../../core/act.ts";
import { exhibitId, parseExhibitId } from "../../core/case.ts";
import type { Db } from "../store/database.ts";
import { indexRows } from "../store/index-rows.ts";
import type { Problems } from "./problems.ts";

const NO_PREVIOUS = "0".repeat(64);

/** Compares the index tables, exhibit chains and exhibit numbers with what the leaves say, act by act in order of the log. */
export type IndexAudit = { act(act: Act): void; end(size: number): void };

export function auditIndex(db: Db, problems: Problems): IndexAudit {
  const actRow = db.prepare<[number], { readonly caseId: unknown; readonly collection: unknown; readonly once: unknown }>(
    "SELECT case_id AS caseId, collection, once FROM act WHERE idx=?",
  );
  const opened = db.prepare<[string]>("SELECT idx FROM opened WHERE case_id=?").pluck();
  const exhibit = db.prepare<[string, number, number]>("SELECT idx FROM exhibit WHERE case_id=? AND number=? AND seq=?").pluck();
  const hashAt = db.prepare<[number]>("SELECT leaf_hash FROM entry WHERE idx=?").pluck();
  const counts = { act: 0, opened: 0, exhibit: 0 };
  const leases = new Map<string, number>();
  const reserved = new Map<string, number>();
  const running = new Map<string, number>();

  const link = (act: Act, e: Act["exhibits"][number]): void => {
    const { caseId, number } = parseExhibitId(e.id);
    if (e.seq === 0) {
      const due = (reserved.get(caseId) ?? 0) + 1;
      if (number !== due) problems.add("exhibit-gap", act.seq, `entry ${act.seq} begins ${e.id} where ${exhibitId(caseId, due)} was next`);
      reserved.set(caseId, Math.max(due, number));
      const openedAt: unknown = opened.get(caseId);
      if (typeof openedAt !== "number" || openedAt > act.seq)
        problems.add("chain-broken", act.seq, `entry ${act.seq} begins ${e.id}, whose case was not opened before`);
      if (e.prev !== NO_PREVIOUS) problems.add("chain-broken", act.seq, `entry ${act.seq} begins the chain of ${e.id} with a previous act`);
      return;
    }
    const before: unknown = exhibit.get(caseId, number, e.seq - 1);
    const hash: unknown = typeof before === "number" && before < act.seq ? hashAt.get(before) : null;
    if (!Buffer.isBuffer(hash) || hash.toString("hex") !== e.prev)
      problems.add("chain-broken", act.seq, `entry ${act.seq} says that it follows act ${e.seq - 1} of ${e.id}, and no such act precedes it`);
  };

  return {
    act(act) {
      const rows = indexRows(act.seq, { ...act, exhibits: act.exhibits.map((e) => ({ id: e.id, exhibit_seq: e.seq })) });
      const found = actRow.get(act.seq);
      if (found?.caseId !== rows.act.caseId || found.collection !== rows.act.collection || found.once !== rows.act.once)
        problems.add("index-altered", act.seq, `the index of entry ${act.seq} does not say what its leaf says`);
      counts.act += 1;
      if (rows.opened !== null) {
        counts.opened += 1;
        if (opened.get(rows.opened) !== act.seq)
          problems.add("index-altered", act.seq, `the index does not say that entry ${act.seq} opened case ${rows.opened}`);
      }
      for (const x of rows.exhibits) {
        counts.exhibit += 1;
        if (exhibit.get(x.caseId, x.number, x.seq) !== act.seq)
          problems.add("index-altered", act.seq, `the index does not say that entry ${act.seq} is act ${x.seq} of ${exhibitId(x.caseId, x.number)}`);
      }
      for (const e of act.exhibits) link(act, e);
      if (rows.lease !== null) {
        const high = leases.get(rows.lease.collection) ?? 0;
        if (rows.lease.number < high)
          problems.add(
            "chain-broken",
            act.seq,
            `entry ${act.seq} was written under lease ${rows.lease.number} of collection ${rows.lease.collection}, which lease ${high} had taken over`,
          );
        leases.set(rows.lease.collection, Math.max(rows.lease.number, high));
      }
      if (act.collection === null) return;
      if (act.act === "started") running.set(act.collection, act.seq);
      if (act.act === "finished" || act.act === "cancelled") running.delete(act.collection);
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
