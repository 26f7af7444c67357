import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { ActDraft } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { ORIGIN, pathsIn } from "../ledger/support.ts";

export function benchLedger(dir: string): LedgerPaths {
  mkdirSync(dir, { recursive: true });
  const paths = pathsIn(dir);
  createLedger(paths, ORIGIN, randomBytes, () => new Date());
  return paths;
}

/** A leaf of about 1.3 KB, as most are. */
export function accessed(serial: number): ActDraft {
  const detail = { serial, path: "/var/log/auth.log" };
  return actDraft("accessed", { id: "jane.doe@example.org", kind: "person", proof: "asserted" }, { reason: "benchmark", target: "host:local", detail });
}
