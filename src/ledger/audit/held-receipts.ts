import { describeError, HoldfastError } from "../../core/error.ts";
import { printable } from "../../core/printable.ts";
import type { HeldReceipts, LedgerAudit } from "../../core/verdict.ts";
import { readVkeys } from "../keys/log-keys.ts";
import { isPrefix } from "../read/is-prefix.ts";
import { openProver, type Prover } from "../read/proof-of.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { type ReceiptHead, receiptHeads } from "./receipt-heads.ts";

type Finding = { readonly kind: "rollback" | "fork" | "anchor-unchecked"; readonly text: string };

/**
 * Holds an audited ledger against receipts that others keep: whoever rewrote it could not rewrite those. Each signed head in `folder` has
 * to be of an earlier or the same size of this history; what cannot be judged leaves an intact ledger `unverifiable`, for it may be
 * forged, or the ledger's keys may have been put in the place of those that signed it. Throws `usage` where no receipt is found.
 */
export async function withReceipts(audit: LedgerAudit, paths: LedgerPaths, folder: string, signal: AbortSignal): Promise<LedgerAudit> {
  const findings: Finding[] = [];
  const held: { agree: number; newest: number } = { agree: 0, newest: 0 };
  for await (const head of headsIn(folder, paths, signal)) {
    const finding = head.kind === "unread" ? unread(head.file, head.why) : judged(head, paths);
    if (finding !== null) findings.push(finding);
    else if (head.kind === "head") {
      held.agree += 1;
      held.newest = Math.max(held.newest, head.checkpoint.size);
    }
  }
  if (held.agree + findings.length === 0)
    throw new HoldfastError(
      "usage",
      `--receipts ${printable(folder)} holds no receipt: neither a custody.json or exhibit.json, nor a .tlog-proof, nor a checkpoint; name the folder in which others keep theirs`,
    );
  return joined(audit, findings, held);
}

async function* headsIn(folder: string, paths: LedgerPaths, signal: AbortSignal): AsyncGenerator<ReceiptHead, void, undefined> {
  try {
    yield* receiptHeads(folder, readVkeys(paths.keys), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof HoldfastError
      ? error
      : new HoldfastError("usage", `--receipts ${printable(folder)} cannot be read; name a folder that you may read`, error);
  }
}

function judged({ file, checkpoint }: Extract<ReceiptHead, { kind: "head" }>, paths: LedgerPaths): Finding | null {
  let prover: Prover | null = null;
  try {
    prover = openProver(paths);
    const ours = prover.head().checkpoint;
    const of = `the receipt ${printable(file)} has a signed head of ${checkpoint.size} entries`;
    if (checkpoint.size > ours.size)
      return { kind: "rollback", text: `${of}, and this ledger has ${ours.size}: it was rolled back, or this is an older copy of it` };
    if (isPrefix(checkpoint, ours, prover)) return null;
    return { kind: "fork", text: `${of} that is not of this ledger of ${ours.size} entries: it is another history of the same log` };
  } catch (error) {
    return unread(file, `this ledger could not be held against it: ${describeError(error)}`);
  } finally {
    prover?.close();
  }
}

function unread(file: string, why: string): Finding {
  return {
    kind: "anchor-unchecked",
    text: `the receipt ${printable(file)} proves nothing here: ${why}. It is damaged or forged, of another log, or the keys of this ledger are not those that signed it`,
  };
}

function joined(audit: LedgerAudit, findings: readonly Finding[], receipts: HeldReceipts): LedgerAudit {
  const worst = (["fork", "rollback", "anchor-unchecked"] as const).find((kind) => findings.some((finding) => finding.kind === kind));
  const open = audit.verdict === "intact" || audit.verdict === "unverifiable";
  return {
    ...audit,
    verdict: !open || worst === undefined ? audit.verdict : worst === "anchor-unchecked" ? "unverifiable" : worst,
    problems: [...audit.problems, ...findings.map((finding) => ({ ...finding, seq: null }))],
    receipts,
  };
}
