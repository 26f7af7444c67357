import { asLedgerError, beginImmediate, type Db, openForReading, openForWriting } from "../store/database.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";

/** One proof from outside about the first `size` entries. `kind` is an anchor's name; `bytes` are as FORMAT.md §14 has them. */
export type AnchorRow = { readonly id: number; readonly size: number; readonly kind: string; readonly bytes: Buffer };
export type NewAnchor = Omit<AnchorRow, "id">;

const PATIENCE_MS = 30_000;

/** Keeps proofs beside the entries, one of a kind and size. Durable when it resolves. Waits for the writer without blocking it. */
export async function keepAnchors(paths: LedgerPaths, anchors: readonly NewAnchor[]): Promise<void> {
  if (anchors.length === 0) return;
  const db = openForWriting(paths.ledger, LEDGER_APPLICATION_ID);
  try {
    db.pragma("busy_timeout=0"); // the writer may be this very process, in the middle of a group
    await beginImmediate(db, paths.ledger, PATIENCE_MS);
    const there = db.prepare<[string, number]>("SELECT 1 FROM anchor WHERE kind=? AND size=?");
    const insert = db.prepare("INSERT INTO anchor(size,kind,bytes) VALUES(?,?,?)");
    for (const { size, kind, bytes } of anchors) if (there.get(kind, size) === undefined) insert.run(size, kind, bytes);
    db.exec("COMMIT");
  } catch (error) {
    throw asLedgerError(error, `the proofs of the anchors could not be kept in ${paths.ledger}; see that its disk works`);
  } finally {
    db.close();
  }
}

/** The largest size that a proof is kept for, by kind. Nothing of it is checked: `auditLedger` does that. */
export function keptAnchors(paths: LedgerPaths): ReadonlyMap<string, number> {
  const opened = openForReading(paths.ledger, LEDGER_APPLICATION_ID);
  try {
    const rows = opened.db.prepare<[], { kind: string; size: number }>("SELECT kind, max(size) AS size FROM anchor GROUP BY kind ORDER BY kind").all();
    return new Map(rows.map(({ kind, size }) => [kind, size]));
  } finally {
    opened.close();
  }
}

/** By size, each read when its turn comes. */
export function* anchorRows(db: Db): Generator<AnchorRow> {
  const one = db.prepare<[number], Buffer>("SELECT bytes FROM anchor WHERE id=?").pluck();
  for (const row of db.prepare<[], Omit<AnchorRow, "bytes">>("SELECT id, size, kind FROM anchor ORDER BY size, id").all())
    yield { ...row, bytes: one.get(row.id) ?? Buffer.alloc(0) };
}
