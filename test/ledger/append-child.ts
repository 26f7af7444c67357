import { writeSync } from "node:fs";
import type { CommitStep } from "../../src/ledger/write/writer.ts";
import { draft, open, opening, pathsIn } from "./support.ts";

// node append-child.ts DIR NAME COUNT STEP AT: appends acts one after the other and prints each receipt; ends itself with SIGKILL the
// AT-th time that STEP is reached ("never" for no STEP).
const [dir = "", name = "", count = "0", step = "never", at = "1"] = process.argv.slice(2);
let left = Number(at);
const steps: readonly CommitStep[] = ["inserted", "committed", "signed", "swapped"];
const stop = steps.find((s) => s === step);

const recorder = await open(pathsIn(dir), {
  onStep(reached) {
    if (reached !== stop) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, "SIGKILL");
  },
});
await recorder.append([opening("SHARED")]);
for (let i = 0; i < Number(count); i += 1) {
  const receipts = await recorder.append([
    draft("started", { case: "SHARED", collection: `${name}-${i}`, once: `${name}-${i}/started`, reserve: 2 }),
    draft("finished", { case: "SHARED", collection: `${name}-${i}` }),
  ]);
  writeSync(1, `${JSON.stringify(receipts)}\n`);
}
await recorder.close();
