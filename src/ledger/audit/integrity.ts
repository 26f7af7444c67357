import type { Db } from "../store/database.ts";

/** SQLite must find its own trees whole: the audit reads tables by their keys, and a query that goes through an index which leaves out a row hides an act. */
export function integrityComplaints(db: Db): readonly string[] {
  const answers: unknown[] = db.prepare("PRAGMA integrity_check(20)").pluck().all();
  return answers.filter((answer) => answer !== "ok").map((answer) => `SQLite finds the ledger damaged: ${String(answer)}`);
}
