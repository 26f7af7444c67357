import Database from "better-sqlite3";
import type { Act } from "../../core/act.ts";
import { type Case, parseExhibitId, sensitivities, severities } from "../../core/case.ts";
import { HoldfastError } from "../../core/error.ts";
import type { ActFilter, Reader } from "../../core/recorder.ts";
import { type Checkpoint, checkpointId, openCheckpoint } from "../format/checkpoint.ts";
import { asLedgerError } from "../store/database.ts";
import { decodeLeaf } from "../format/leaf.ts";
import { openToRead } from "../store/open-to-read.ts";
import { readVkeys } from "../keys/log-keys.ts";
import { leafHash } from "../format/merkle.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { oneOf, orNull, text } from "../format/shape.ts";

const PAGE_ACTS = 256;
type Row = { readonly idx: number; readonly leaf: Buffer; readonly hash: Buffer };

/**
 * Reads what the head covers; entries that are committed and not signed for yet are not there. Every leaf is hashed and its
 * form checked when it is read, which is not an audit: that the whole is what was signed is auditLedger's answer. What stands
 * there and is not what a writer writes is code `altered`.
 */
export function openReader(paths: LedgerPaths): Reader {
  return asStored("the ledger", () => open(paths));
}

function open(paths: LedgerPaths): Reader {
  const { origin, vkeys } = readVkeys(paths.keys);
  const { head, opened } = openToRead(paths, origin);
  const { db } = opened;
  const one = db.prepare<[number], Row>("SELECT idx, leaf, leaf_hash AS hash FROM entry WHERE idx=?");
  const openings = db.prepare<[number], { readonly caseId: string; readonly idx: number }>(
    "SELECT case_id AS caseId, idx FROM opened WHERE idx<? ORDER BY idx",
  );
  const opening = db.prepare<[string, number], number>("SELECT idx FROM opened WHERE case_id=? AND idx<?").pluck();
  const exhibits = db.prepare<[string, number], number>("SELECT coalesce(max(number),0) FROM exhibit WHERE case_id=? AND idx<?").pluck();

  const naming = db.prepare<[string, number], number>("SELECT idx FROM act WHERE once=? AND idx<?").pluck();

  const seen: { body: Buffer; checkpoint: Checkpoint | null } = { body: Buffer.alloc(0), checkpoint: null };
  // A head that nobody signed could hide the newest acts; each is checked once.
  const newest = (): Checkpoint =>
    asStored("the head of the ledger", () => {
      const body = head.read();
      if (seen.checkpoint !== null && body.equals(seen.body)) return seen.checkpoint;
      const checkpoint = openCheckpoint(body, origin, vkeys);
      Object.assign(seen, { body, checkpoint });
      return checkpoint;
    });
  const read = (row: Row): Act =>
    asStored(`entry ${row.idx}`, () => {
      if (!Buffer.isBuffer(row.leaf) || !Buffer.isBuffer(row.hash) || !leafHash(row.leaf).equals(row.hash))
        throw new HoldfastError("altered", `entry ${row.idx} of the ledger ${origin} has been altered; run holdfast ledger audit`);
      return decodeLeaf(row.idx, row.leaf, origin);
    });
  const act = (seq: number): Act => {
    if (seq >= newest().size) throw new HoldfastError("usage", `the ledger ${origin} has no entry ${seq}`);
    const row = asStored(`entry ${seq}`, () => one.get(seq));
    if (row === undefined) throw new HoldfastError("altered", `entry ${seq} of the ledger ${origin} is missing; run holdfast ledger audit`);
    return read(row);
  };
  const caseOf = (idx: number, size: number): Case => asStored(`the opening of a case, entry ${idx}`, () => openedBy(act(idx), size));
  const openedBy = (first: Act, size: number): Case => {
    const id = text(first.case, "case");
    return {
      id,
      title: orNull(first.detail["title"] ?? null, "title", text),
      severity: oneOf(first.detail["severity"], severities, "severity"),
      sensitivity: oneOf(first.detail["sensitivity"], sensitivities, "sensitivity"),
      jurisdiction: orNull(first.detail["jurisdiction"] ?? null, "jurisdiction", text),
      retention: orNull(first.detail["retention"] ?? null, "retention", text),
      opened: first.time,
      exhibits: exhibits.get(id, size) ?? 0,
    };
  };

  return {
    checkpoint: () => checkpointId(newest()),
    note: () => asStored("the head of the ledger", () => head.read().toString("utf8")),
    size: () => newest().size,
    act,
    *acts(filter) {
      const { where, values } = condition(filter);
      const query = `SELECT e.idx, e.leaf, e.leaf_hash AS hash FROM act a JOIN entry e ON e.idx=a.idx WHERE ${where} AND a.idx>=? AND a.idx<? ORDER BY a.idx LIMIT ${PAGE_ACTS}`;
      const page = asStored("the index of the ledger", () => db.prepare<(string | number)[], Row>(query));
      const { size } = newest();
      for (let next = 0; next < size; ) {
        const rows = asStored("the index of the ledger", () => page.all(...values, next, size));
        for (const row of rows) yield read(row);
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE_ACTS) return;
        next = last.idx + 1;
      }
    },
    named(once) {
      const { size } = newest();
      const idx = asStored("the index of the ledger", () => naming.get(once, size));
      return idx === undefined ? null : act(idx);
    },
    cases() {
      const { size } = newest();
      return asStored("the index of the ledger", () => openings.all(size)).map((row) => caseOf(row.idx, size));
    },
    case(id) {
      const { size } = newest();
      const idx = asStored("the index of the ledger", () => opening.get(id, size));
      return idx === undefined ? null : caseOf(idx, size);
    },
    close() {
      head.close();
      opened.close();
    },
  };
}

function condition(filter: ActFilter): { readonly where: string; readonly values: readonly (string | number)[] } {
  const where: string[] = ["1"];
  const values: (string | number)[] = [];
  if (filter.case !== undefined) {
    where.push("a.case_id=?");
    values.push(filter.case);
  }
  if (filter.collection !== undefined) {
    where.push("a.collection=?");
    values.push(filter.collection);
  }
  if (filter.exhibit !== undefined) {
    const { caseId, number } = parseExhibitId(filter.exhibit);
    where.push("a.idx IN (SELECT idx FROM exhibit WHERE case_id=? AND number=?)");
    values.push(caseId, number);
  }
  return { where: where.join(" AND "), values };
}

/**
 * Runs one look at what is stored. A row or a leaf of the wrong shape is damage, whatever a parser that also serves drafts calls it,
 * and so is a file that SQLite finds corrupt; rights and busy disks are not.
 */
function asStored<T>(what: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    const shape = error instanceof HoldfastError && (error.code === "usage" || error.code === "unverifiable");
    if (shape || isCorrupt(error)) throw new HoldfastError("altered", `${what} is not what was written; run holdfast ledger audit`, error);
    throw error instanceof Database.SqliteError ? asLedgerError(error, `${what} cannot be read now; check its rights and its disk`) : error;
  }
}

function isCorrupt(error: unknown): boolean {
  for (let e: unknown = error; e instanceof Error; e = e.cause)
    if (e instanceof Database.SqliteError) return /^SQLITE_(CORRUPT|NOTADB|ERROR|MISMATCH)/.test(e.code);
  return false;
}
