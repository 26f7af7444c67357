import type { Db } from "../store/database.ts";
import { auditThreads } from "./audit-threads.ts";
import { integrityComplaints } from "./integrity.ts";
import { type PageCheck, pageCheck, type SoundPage } from "./page-check.ts";

/** Does what needs no order in an audit. Null is no answer: the caller looks itself, and meets what is wrong. */
export type AuditHands = {
  /** How many pages are best asked for at once. */
  readonly depth: number;
  integrity(): Promise<readonly string[] | null>;
  page(from: number, to: number): Promise<SoundPage | null>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Starting threads takes as long as reading so much. */
const THREADED_BYTES = 32 << 20;

/** Threads for a large ledger, this one for a small one. */
export function auditHands(db: Db, origin: string, signal: AbortSignal): AuditHands {
  const bytes = Number(db.pragma("page_count", { simple: true })) * Number(db.pragma("page_size", { simple: true }));
  if (bytes >= THREADED_BYTES) return auditThreads({ file: db.name, origin }, signal);
  let check: PageCheck | null = null;
  return {
    depth: 1,
    integrity: async () => integrityComplaints(db),
    async page(from, to) {
      await new Promise((resolve) => setImmediate(resolve));
      check ??= pageCheck(db, origin);
      return check(from, to);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
