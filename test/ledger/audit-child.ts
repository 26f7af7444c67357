import { HoldfastError } from "../../src/core/error.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { forever, open, pathsIn } from "./support.ts";

// node audit-child.ts DIR: audits and reads the ledger there, tries to write, and prints what came of it.
const paths = pathsIn(process.argv[2] ?? "");
const { verdict, found } = await auditLedger(paths, forever);
const reader = openReader(paths);
const acts = [...reader.acts({})].map((act) => act.reason);
reader.close();
let write = "possible";
try {
  await (await open(paths)).close();
} catch (error) {
  write = error instanceof HoldfastError ? error.code : "other";
}
console.log(JSON.stringify({ verdict, size: found.size, acts, write }));
