import type { CheckpointId } from "../core/act.ts";
import type { ExportReport } from "../core/export-report.ts";
import { checkpointId } from "../ledger/format/checkpoint.ts";
import { proofOf } from "../ledger/read/proof-of.ts";
import type { ActSignature } from "./act-signature.ts";
import { type CustodyReceipt, custodyReceipt } from "./custody-receipt.ts";
import type { Services } from "./services.ts";

/** What leaves the house for others to check. */
export type Exporting = {
  /** The whole ledger as a tlog-tiles tree; an earlier export of it is brought up to date. */
  ledger(dir: string, signal: AbortSignal): Promise<ExportReport>;
  /** What OpenSSH needs to judge an act's signature by itself, in three new files. */
  signature(seq: number, out: string): Promise<ActSignature>;
  /** The acts with all that a stranger needs to check them; `what` is for whom, in an error. */
  receipt(seqs: readonly number[], what: string): CustodyReceipt;
  /** The `.tlog-proof` of one act; `leafHash` in base64, as contract.md has it. */
  proof(seq: number): { readonly leafHash: string; readonly checkpoint: CheckpointId; readonly proof: string };
};

export function exporting(services: Services): Exporting {
  return {
    ledger: async (dir, signal) => (await import("../ledger/read/export-ledger.ts")).exportLedger(services.paths.ledger, dir, signal),
    signature: async (seq, out) => (await import("./act-signature.ts")).actSignature(services, seq, out),
    receipt: (seqs, what) => custodyReceipt(services, seqs, what),
    proof(seq) {
      const proven = proofOf(services.paths.ledger, seq);
      return { leafHash: proven.leafHash.toString("base64"), checkpoint: checkpointId(proven.checkpoint), proof: proven.proof };
    },
  };
}
