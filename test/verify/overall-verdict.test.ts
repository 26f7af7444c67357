import { describe, expect, test } from "vitest";
import type { ExhibitCheck } from "../../src/core/exhibit-check.ts";
import type { LedgerAudit, LedgerVerdict } from "../../src/core/verdict.ts";
import { overallVerdict } from "../../src/verify/verify-result.ts";

const ledger = (verdict: LedgerVerdict): LedgerAudit => ({
  verdict,
  assurance: "self",
  found: { origin: "o", size: "1", root: "" },
  signed: null,
  anchors: [],
  covers: [],
  unreachable: [],
  problems: [],
  receipts: null,
});
const check = (verdict: ExhibitCheck["verdict"], lock: ExhibitCheck["lock"] = null): ExhibitCheck => ({
  id: "C/001",
  verdict,
  method: "rehash",
  recorded: null,
  found: null,
  lock,
  text: "",
});
const kept = { lock: "irrevocable", mode: "compliance", retainUntil: null, legalHold: null, asRecorded: true } as const;
const lapsed = { lock: "none", mode: null, retainUntil: null, legalHold: null, asRecorded: false } as const;
const unread = { lock: "unknown", mode: null, retainUntil: null, legalHold: null, asRecorded: false } as const;

describe("the verdict of the whole", () => {
  test.for([
    { name: "all well", of: ["intact", [check("intact", kept)]], is: "intact" },
    { name: "found damage outranks what could not be checked", of: ["intact", [check("unverifiable"), check("altered")]], is: "altered" },
    { name: "missing outranks unverifiable", of: ["unverifiable", [check("missing")]], is: "missing" },
    { name: "what could not be checked is never intact", of: ["intact", [check("intact", kept), check("unverifiable")]], is: "unverifiable" },
    { name: "a promised lock that is gone is damage, though the bytes are there", of: ["intact", [check("intact", lapsed)]], is: "altered" },
    { name: "a lock that could not be read is not broken, and not proven", of: ["intact", [check("intact", unread)]], is: "unverifiable" },
    { name: "nor is one that could not be asked for", of: ["intact", [check("intact", null)]], is: "unverifiable" },
    { name: "a snapshot held by its provider leaves the whole intact", of: ["intact", [check("held-by-provider")]], is: "intact" },
    { name: "rollback is said before all else", of: ["rollback", [check("altered")]], is: "rollback" },
    { name: "a fork too", of: ["fork", []], is: "fork" },
  ] as const)("$name", ({ of: [verdict, checks], is }) => expect(overallVerdict(ledger(verdict), checks)).toBe(is));
});
