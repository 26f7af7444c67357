import { writeSync } from "node:fs";
import { join } from "node:path";
import { describeError, HoldfastError } from "../../src/core/error.ts";
import type { Recorder } from "../../src/core/recorder.ts";
import { draft, open } from "../ledger/support.ts";
import { cosignHead, mirrorHead } from "./fail-outside.ts";

// node fail-child.ts LEDGERDIR HEADDIR COUNT URL VKEY MIRROR: appends acts one after the other and prints what came of each; goes on after
// a refusal, as a caller would who does not know better, and ends after COUNT appends or three refusals in a row. After the
// first dozen, each eighth and each refusal it has the head cosigned (URL "-": it does not) and mirrored, whatever came of the append.
const [dir = "", headDir = "", count = "0", url = "-", vkey = "", mirror = ""] = process.argv.slice(2);
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);
const refusal = (error: unknown): object => ({ code: error instanceof HoldfastError ? error.code : "none", text: describeError(error) });
const paths = { ledger: join(dir, "ledger.db"), head: join(headDir, "head.db"), keys: join(dir, "keys") };

let recorder: Recorder | null = null;
try {
  recorder = await open(paths);
} catch (error) {
  say({ kind: "not-opened", tried: null, ...refusal(error) });
}
let refused = 0;
for (let i = 0; recorder !== null && i < Number(count) && refused < 3; i += 1) {
  try {
    const receipts = await recorder.append(Array.from({ length: 1 + (i % 3) }, () => draft("note", { reason: `try ${i}` })));
    refused = 0;
    say({ kind: "receipts", receipts });
  } catch (error) {
    refused += 1;
    say({ kind: "refused", tried: `try ${i}`, ...refusal(error) });
  }
  if (url === "-" || (refused === 0 && i >= 12 && i % 8 !== 0)) continue;
  for (const [by, vouch] of [["witness", cosignHead] as const, ["mirror", mirrorHead] as const])
    try {
      const text = await vouch(paths, { url, vkey, mirror });
      say(text === null ? { kind: "vouched", by } : { kind: "not-vouched", by, code: "none", text });
    } catch (error) {
      say({ kind: "not-vouched", by, ...refusal(error) });
    }
}
await recorder?.close();
say({ kind: "end" });
