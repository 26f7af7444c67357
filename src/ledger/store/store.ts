import { actRows } from "./act-rows.ts";
import type { Predicate } from "../format/predicate.ts";
import type { Db } from "./database.ts";
import { HoldfastError } from "../../core/error.ts";
import { indexRows } from "./index-rows.ts";
import type { EncodedLeaf } from "../format/leaf.ts";
import type { Hash, Tile } from "../format/merkle.ts";

/** What the writer asks of ledger.db and puts into it, inside its transaction. */
export type Store = {
  size(): number;
  leaf(idx: number): Buffer;
  /** Stands in the transaction at the next `flush`, which a read that could meet it does by itself. */
  insert(idx: number, leaf: EncodedLeaf, predicate: Predicate): void;
  flush(): void;
  /** What was inserted since the last flush is not wanted: its savepoint is rolled back. */
  drop(): void;
  insertTile(tile: Tile): void;
  tile(level: number, n: number): Buffer | null;
  /** Keeps the note of a head that was swapped in. One note a size, sizes only grow. */
  keepNote(size: number, note: Buffer): void;
  newestNote(): { readonly size: number; readonly note: Buffer } | null;
  firstOf(once: string): number | null;
  openingOf(caseId: string): number | null;
  highestLease(collection: string): number | null;
  exhibitsOf(caseId: string): number;
  lastAct(caseId: string, number: number): { readonly seq: number; readonly leafHash: Hash } | null;
};

export function storeOf(db: Db): Store {
  const size = db.prepare("SELECT coalesce(max(idx)+1,0) FROM entry").pluck();
  const leaf = db.prepare("SELECT leaf FROM entry WHERE idx=?").pluck();
  const tileIn = db.prepare("INSERT INTO tile(level,n,data) VALUES(?,?,?)");
  const tileOut = db.prepare("SELECT data FROM tile WHERE level=? AND n=?").pluck();
  const note = db.prepare("INSERT INTO checkpoint(size,note) VALUES(?,?)");
  const newest = db.prepare<[], { readonly size: number; readonly note: Buffer }>("SELECT size,note FROM checkpoint ORDER BY size DESC LIMIT 1");
  const rows = actRows(db);
  const opened = db.prepare("INSERT INTO opened(case_id,idx) VALUES(?,?)");
  const exhibit = db.prepare("INSERT INTO exhibit(case_id,number,seq,idx) VALUES(?,?,?,?)");
  const lease = db.prepare("INSERT INTO lease(collection,high) VALUES(?,?) ON CONFLICT(collection) DO UPDATE SET high=max(high,excluded.high)");
  const once = db.prepare<[string], number>("SELECT idx FROM act WHERE once=?").pluck();
  const opening = db.prepare<[string], number>("SELECT idx FROM opened WHERE case_id=?").pluck();
  const high = db.prepare<[string], number>("SELECT high FROM lease WHERE collection=?").pluck();
  const exhibits = db.prepare<[string], number>("SELECT coalesce(max(number),0) FROM exhibit WHERE case_id=?").pluck();
  const last = db.prepare<[string, number], { readonly seq: number; readonly leafHash: Buffer }>(
    "SELECT x.seq, e.leaf_hash AS leafHash FROM exhibit x JOIN entry e ON e.idx=x.idx WHERE x.case_id=? AND x.number=? ORDER BY x.seq DESC LIMIT 1",
  );
  return {
    size: () => Number(size.get()),
    leaf(idx) {
      if (rows.has(idx)) rows.flush();
      const bytes: unknown = leaf.get(idx);
      if (!Buffer.isBuffer(bytes)) throw new HoldfastError("ledger", `entry ${idx} is not in the ledger, though its index names it; run holdfast ledger audit`);
      return bytes;
    },
    insert(idx, encoded, predicate) {
      const index = indexRows(idx, predicate);
      rows.add(idx, encoded, index.act);
      if (index.opened !== null) opened.run(index.opened, idx);
      for (const x of index.exhibits) exhibit.run(x.caseId, x.number, x.seq, idx);
      if (index.lease !== null) lease.run(index.lease.collection, index.lease.number);
    },
    flush: () => rows.flush(),
    drop: () => rows.drop(),
    insertTile: (t) => void tileIn.run(t.level, t.n, t.data),
    tile(level, n) {
      const data: unknown = tileOut.get(level, n);
      return Buffer.isBuffer(data) ? data : null;
    },
    keepNote: (at, bytes) => void note.run(at, bytes),
    newestNote: () => newest.get() ?? null,
    firstOf(name) {
      if (rows.names(name)) rows.flush();
      return once.get(name) ?? null;
    },
    openingOf: (id) => opening.get(id) ?? null,
    highestLease: (collection) => high.get(collection) ?? null,
    exhibitsOf: (id) => exhibits.get(id) ?? 0,
    lastAct(id, number) {
      rows.flush();
      return last.get(id, number) ?? null;
    },
  };
}
