import type { Db } from "../store/database.ts";
import type { Problems } from "./problems.ts";
import { schemaDifferences } from "./schema-differences.ts";

/** The tables, indexes and triggers must be exactly those of this version, and SQLite must find its own trees whole. */
export function auditSchema(db: Db, problems: Problems): void {
  for (const difference of schemaDifferences(db)) problems.add("schema", null, difference);
  // The audit reads tables by their keys; a query may go through an index, and one that leaves out a row hides an act.
  const complaints: unknown[] = db.prepare("PRAGMA integrity_check(20)").pluck().all();
  for (const complaint of complaints) if (complaint !== "ok") problems.add("schema", null, `SQLite finds the ledger damaged: ${String(complaint)}`);
}
