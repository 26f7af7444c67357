import { randomBytes } from "node:crypto";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import { notes, ORIGIN, open, pathsIn } from "./support.ts";

// node create-child.ts DIR: makes the ledger if nobody has, and appends one act.
const paths = pathsIn(process.argv[2] ?? "");
createLedger(paths, ORIGIN, randomBytes, () => new Date());
const recorder = await open(paths);
await recorder.append(notes(1));
await recorder.close();
