import { writeSync } from "node:fs";
import Database from "better-sqlite3";
import { open, notes, pathsIn } from "../../ledger/support.ts";

// node power-child.js DIR SYNC NAME, inside the virtual machine: opens the ledger, which is the restart after the last loss of power, then
// appends from two callers at once and prints each receipt, until the power goes. SYNC "off" is the control: SQLite does not sync, and
// the ledger, which reads its settings back, is told that it does.
const [dir = "", sync = "full", name = ""] = process.argv.slice(2);
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);
if (sync === "off") {
  const { pragma } = Database.prototype;
  Database.prototype.pragma = function (this: Database.Database, source, options) {
    if (source === "synchronous") return 2;
    return pragma.call(this, source === "synchronous=FULL" ? "synchronous=OFF" : source, options);
  };
}
try {
  const recorder = await open(pathsIn(dir));
  say({ kind: "opened", name });
  const work = async (caller: number): Promise<never> => {
    for (let i = 0; ; i += 1) say({ kind: "receipts", receipts: await recorder.append(notes(1 + (i % 3), caller * 1_000_000 + i * 10)) });
  };
  await Promise.all([0, 1].map(work));
} catch (error) {
  say({ kind: "failed", text: String(error instanceof Error ? error.stack : error) });
}
