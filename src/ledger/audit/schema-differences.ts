import type { Db } from "../store/database.ts";
import { ledgerSchema } from "../store/schema.ts";

/** What ledger.db has other than the schema of this version, in words. A dropped or changed guard is a trace of tampering. */
export function schemaDifferences(db: Db): readonly string[] {
  const rows = db.prepare<[], { readonly name: string; readonly sql: string }>("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
  const found = new Set(rows.map((row) => row.sql));
  const expected = new Set(ledgerSchema);
  return [
    ...ledgerSchema.filter((sql) => !found.has(sql)).map((sql) => `the ledger's ${nameOf(sql)} is missing or was changed`),
    ...rows.filter((row) => !expected.has(row.sql)).map((row) => `the ledger has ${JSON.stringify(row.name)}, which does not belong to it`),
  ];
}

/** `CREATE UNIQUE INDEX act_once ON …` → `index act_once`. */
function nameOf(sql: string): string {
  const words = sql.replace("CREATE UNIQUE", "CREATE").split(/[( ]/);
  return `${(words[1] ?? "").toLowerCase()} ${words[2] ?? ""}`;
}
