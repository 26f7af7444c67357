import { enableCompileCache } from "node:module";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { forever, pathsIn } from "../ledger/support.ts";

// node ledger-audit-child.ts DIR: audits the ledger there and prints what it took.
enableCompileCache(); // as the command does, for its threads
const from = performance.now();
const { verdict } = await auditLedger(pathsIn(process.argv[2] ?? ""), forever);
if (verdict !== "intact") throw new Error(`the audit says ${verdict}`);
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    seconds: (performance.now() - from) / 1_000,
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    cpuSeconds: (user + system) / 1e6,
  }),
);
