import { randomBytes } from "node:crypto";
import { copyFileSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import type { ActDraft } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import { decodeLeaf, type EncodedLeaf } from "../../src/ledger/format/leaf.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { leafAt, size, tamper } from "./tamper.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import { openRecorder } from "../../src/ledger/write/writer.ts";

/** Two histories from one point, each signed by the log's own keys; the head of one with the ledger of the other. */
export async function forkedCopy(paths: LedgerPaths, otherActs: number): Promise<void> {
  for (const file of [paths.ledger, paths.head]) copyFileSync(file, `${file}.old`);
  await append(paths, [note("what happened")]);
  copyFileSync(paths.head, `${paths.head}.kept`);
  restore(paths.ledger);
  restore(paths.head);
  for (let i = 0; i < otherActs; i += 1) await append(paths, [note(`what did not happen ${i}`)]);
  removeDatabase(paths.head);
  copyFileSync(`${paths.head}.kept`, paths.head);
}

export async function append(paths: LedgerPaths, drafts: readonly ActDraft[]): Promise<void> {
  const recorder = await openRecorder({
    paths,
    origin: readVkeys(paths.keys).origin,
    clock: () => new Date(),
    random: randomBytes,
    clockQuality: { offsetMs: null, uncertaintyMs: null, source: "system clock" },
    tool: { name: "damage", version: "0", sha256: parseSha256("0".repeat(64)) },
  });
  await recorder.append(drafts);
  await recorder.close();
}

export function note(reason: string): ActDraft {
  return actDraft("note", { id: "someone", kind: "person", proof: "asserted" }, { reason });
}

export function blank(paths: LedgerPaths): Predicate {
  const predicate = { now: null as Predicate | null };
  tamper(paths, (db) => {
    predicate.now = predicateAt(paths, db, 0);
  });
  if (predicate.now === null) throw new Error("the ledger is empty");
  return { ...predicate.now, act: "note", case: null, collection: null, exhibits: [], digests: {}, lease: null, once: null, detail: {} };
}

export function predicateAt(paths: LedgerPaths, db: Database.Database, idx: number): Predicate {
  const { seq: _, leafHash: __, exhibits, ...rest } = decodeLeaf(idx, leafAt(db, idx), readVkeys(paths.keys).origin);
  return { ...rest, exhibits: exhibits.map((e) => ({ id: e.id, exhibit_seq: e.seq, exhibit_prev: parseSha256(e.prev) })) };
}

export function replace(db: Database.Database, idx: number, leaf: EncodedLeaf): void {
  db.prepare("UPDATE entry SET leaf=?, leaf_hash=? WHERE idx=?").run(leaf.bytes, leaf.hash, idx);
}

export function plain(paths: LedgerPaths, sql: string): void {
  const db = new Database(paths.ledger);
  db.exec(sql);
  db.close();
}

export function sizeOf(paths: LedgerPaths): number {
  const found = { size: 0 };
  tamper(paths, (db) => {
    found.size = size(db);
  });
  return found.size;
}

export function restore(file: string): void {
  removeDatabase(file);
  copyFileSync(`${file}.old`, file);
  rmSync(`${file}.old`);
}

export function removeDatabase(file: string): void {
  for (const part of ["", "-wal", "-shm"]) rmSync(`${file}${part}`, { force: true });
}
