import { receiptOf } from "../ledger/read/receipt.ts";
import { writeReceipt } from "./receipt-files.ts";
import type { Services } from "./services.ts";

/** What a stranger needs to check acts without us, as contract.md has it: sizes and numbers in digits, bytes and hashes in base64. */
export type CustodyReceipt = {
  readonly origin: string;
  /** Lines of `log.vkey`. */
  readonly vkeys: readonly string[];
  /** The signed note. */
  readonly checkpoint: string;
  readonly size: number;
  /** Hex. */
  readonly root: string;
  readonly acts: readonly { readonly seq: string; readonly leaf: string; readonly path: readonly string[] }[];
  readonly proofs: readonly {
    readonly anchor: string;
    readonly size: string;
    readonly bytes: string;
    readonly acts: readonly { readonly seq: string; readonly path: readonly string[] }[];
  }[];
  /** All of it as files in a new folder, and beside it the record that people read. */
  write(record: readonly (readonly [name: string, content: string])[], dir: string): Promise<void>;
};

/** Throws as `receiptOf`. */
export function custodyReceipt(services: Services, seqs: readonly number[], what: string): CustodyReceipt {
  const receipt = receiptOf(services.paths.ledger, seqs, what);
  return {
    origin: receipt.origin,
    vkeys: receipt.vkeys.trimEnd().split("\n"),
    checkpoint: receipt.note.toString("utf8"),
    size: receipt.checkpoint.size,
    root: receipt.checkpoint.root.toString("hex"),
    acts: receipt.acts.map(({ seq, leaf, hashes }) => ({ seq: String(seq), leaf: base64(leaf), path: hashes.map(base64) })),
    proofs: receipt.anchored.map(({ row, acts }) => ({
      anchor: row.kind,
      size: String(row.size),
      bytes: base64(row.bytes),
      acts: acts.map(({ seq, path }) => ({ seq: String(seq), path: path.map(base64) })),
    })),
    write: (record, dir) => writeReceipt(receipt, record, dir, services.random),
  };
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64");
}
