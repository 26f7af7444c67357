import type { Db } from "./database.ts";
import type { Problems } from "./problems.ts";
import { ledgerSchema } from "./schema.ts";

/** The tables, indexes and triggers must be exactly those of this version: a dropped or changed guard is a trace of tampering. */
export function auditSchema(db: Db, problems: Problems): void {
  const rows = db.prepare<[], { readonly name: string; readonly sql: string }>("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
  const found = new Set(rows.map((row) => row.sql));
  const expected = new Set(ledgerSchema);
  for (const sql of expected)
    if (!found.has(sql)) problems.add("schema", null, `the ledger's ${sql.split(/[( ]/).slice(1, 3).join(" ").toLowerCase()} is missing or was changed`);
  for (const row of rows) if (!expected.has(row.sql)) problems.add("schema", null, `the ledger has ${JSON.stringify(row.name)}, which does not belong to it`);
}
