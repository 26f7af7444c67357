import Database from "better-sqlite3";
import type { ActReceipt } from "../../src/core/act.ts";
import { describeError } from "../../src/core/error.ts";
import { type AnchorPolicy, noAnchors } from "../../src/ledger/anchors/anchor-policy.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { parseBody } from "../../src/ledger/format/checkpoint.ts";
import { parseNote } from "../../src/ledger/format/note.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { readHead } from "../damaged/tamper.ts";
import { forever, open } from "../ledger/support.ts";

/** What must hold of a home once its writer starts again after a misfortune, in words where it does not. */
export async function judgeHome(paths: LedgerPaths, receipts: readonly ActReceipt[], policy: AnchorPolicy = noAnchors): Promise<readonly string[]> {
  const wrong: string[] = [];
  try {
    await (await open(paths)).close(); // the restart: its self-audit, and the signature on what was committed only
  } catch (error) {
    return [`the writer does not start again: ${describeError(error)}`];
  }
  const reader = openReader(paths);
  for (const receipt of receipts)
    try {
      if (reader.act(receipt.seq).leafHash !== receipt.leafHash) wrong.push(`entry ${receipt.seq} is not the act of its receipt`);
    } catch (error) {
      wrong.push(`receipt of entry ${receipt.seq}: ${describeError(error)}`);
    }
  reader.close();
  for (const [size, roots] of heads(paths, receipts)) if (roots.size > 1) wrong.push(`${roots.size} heads of size ${size}`);
  const audit = await auditLedger(paths, forever, policy);
  const problems = audit.problems.filter(({ kind }) => kind !== "start-without-end");
  if (audit.verdict !== "intact" || problems.length > 0) wrong.push(`the audit says ${audit.verdict}: ${problems.map(({ text }) => text).join("; ")}`);
  if (audit.found.size !== audit.signed?.size) wrong.push(`${audit.found.size} entries and a head of ${audit.signed?.size ?? "none"}`);
  return wrong;
}

/** Roots by size, of every head that is known of: kept notes, head.db, receipts. */
export function heads(paths: LedgerPaths, receipts: readonly ActReceipt[]): ReadonlyMap<number, ReadonlySet<string>> {
  const db = new Database(paths.ledger, { readonly: true });
  const bodies = [...db.prepare<[], Buffer>("SELECT note FROM checkpoint").pluck().all(), readHead(paths)];
  db.close();
  const found = new Map<number, Set<string>>();
  const add = (size: number, root: string): void => void found.set(size, (found.get(size) ?? new Set()).add(root));
  for (const body of bodies) {
    const { size, root } = parseBody(parseNote(body).text);
    add(size, root.toString("base64"));
  }
  for (const { checkpoint } of receipts) add(Number(checkpoint.size), checkpoint.root);
  return found;
}
