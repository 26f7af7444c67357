import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActDraft, ActName, Actor } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import type { Recorder } from "../../src/core/recorder.ts";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { openRecorder, type RecorderOptions } from "../../src/ledger/write/writer.ts";

export const ORIGIN = "ledger.example/l/test";
export const actor: Actor = { id: "jane.doe@example.org", kind: "person", proof: "asserted" };

/** A home of its own, removed when the scope ends. */
export function tempHome(origin: string = ORIGIN): { readonly dir: string; readonly paths: LedgerPaths; [Symbol.dispose](): void } {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-ledger-"));
  const paths = pathsIn(dir);
  createLedger(paths, origin, randomBytes, () => new Date());
  return { dir, paths, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

export function pathsIn(dir: string): LedgerPaths {
  return { ledger: join(dir, "ledger.db"), head: join(dir, "head.db"), keys: join(dir, "keys") };
}

export function recorderOptions(paths: LedgerPaths, more: Partial<RecorderOptions> = {}): RecorderOptions {
  return {
    paths,
    origin: ORIGIN,
    clock: () => new Date(),
    clockQuality: { offsetMs: null, uncertaintyMs: null, source: "system clock" },
    random: randomBytes,
    tool: { name: "holdfast", version: "0.0.0-test", sha256: parseSha256("0".repeat(63).concat("1")) },
    ...more,
  };
}

export function open(paths: LedgerPaths, more: Partial<RecorderOptions> = {}): Promise<Recorder> {
  return openRecorder(recorderOptions(paths, more));
}

export function draft(act: ActName, more: Partial<Omit<ActDraft, "act" | "actor">> = {}): ActDraft {
  return actDraft(act, actor, more);
}

export function opening(caseId: string): ActDraft {
  return draft("case-opened", { case: caseId, detail: { severity: "high", sensitivity: "internal", title: `Matter ${caseId}` } });
}

export function notes(count: number, from: number = 0): ActDraft[] {
  return Array.from({ length: count }, (_, i) => draft("note", { reason: `note ${from + i}` }));
}

export const forever: AbortSignal = new AbortController().signal;
