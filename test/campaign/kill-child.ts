import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { type AnchorPolicy, anchorNames } from "../../src/ledger/anchors/anchor-policy.ts";
import { anchorNow } from "../../src/ledger/anchors/anchors.ts";
import { parseWitnessKey } from "../../src/ledger/anchors/cosignature.ts";
import { draft, forever, open, opening, pathsIn } from "../ledger/support.ts";
import { isKillPoint } from "./kill-points.ts";

// node kill-child.ts DIR NAME URL VKEY POINT AT: appends from three callers at once, has the head cosigned, prints each receipt once
// its head is cosigned; ends itself with SIGKILL the AT-th time that POINT is reached ("never": goes on until it is killed).
const [dir = "", name = "", url = "", vkey = "", point = "never", at = "1"] = process.argv.slice(2);
let left = Number(at);
const reached = (now: string): void => {
  if (now !== point) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
};
if (point !== "never" && !isKillPoint(point)) throw new Error(`no such point: ${point}`);

const paths = pathsIn(dir);
const policy: AnchorPolicy = { quorum: 1, authorities: [], witnesses: [{ name: "w1", url, key: parseWitnessKey(vkey, "vkey") }] };
const around = {
  clock: () => new Date(),
  random: randomBytes,
  async fetch(to: string, init: RequestInit) {
    const response = await fetch(to, init);
    const body = await response.arrayBuffer();
    if (response.ok) reached("cosigned");
    return new Response(body, { status: response.status, headers: response.headers });
  },
};
const recorder = await open(paths, { onStep: reached });
await recorder.append([opening("SHARED")]);

async function work(caller: number): Promise<never> {
  for (let i = 0; ; i += 1) {
    const collection = `${name}-${caller}-${i}`;
    const receipts = await recorder.append([
      draft("started", { case: "SHARED", collection, once: `${collection}/started`, reserve: 1 + (i % 2) }),
      draft("finished", { case: "SHARED", collection }),
    ]);
    if (caller === 0) {
      const [done] = await anchorNow(paths, policy, anchorNames(policy), around, forever);
      if (done?.kind !== "anchored") throw new Error(`the witness: ${done?.kind ?? "nothing"}: ${done?.text ?? ""}`);
      reached("anchored");
    }
    writeSync(1, `${JSON.stringify(receipts)}\n`);
    reached("answered");
  }
}
await Promise.all([0, 1, 2].map(work));
