import type { CheckpointId } from "./act.ts";

export type Assurance = "self" | "worm" | "witnessed" | "timestamped";
export type LedgerVerdict = "intact" | "altered" | "rollback" | "fork" | "unverifiable";

/** One thing that is wrong with a ledger. `seq` is the entry concerned, null for the ledger as a whole. */
export type LedgerProblem = {
  readonly kind:
    | "leaf-altered"
    | "leaf-hash"
    | "leaf-form"
    | "index-altered"
    | "tile-altered"
    | "entry-missing"
    | "root-differs"
    | "signature"
    | "checkpoint-altered"
    | "rollback"
    | "fork"
    | "head-missing"
    | "chain-broken"
    | "exhibit-gap"
    | "start-without-end"
    | "anchor-altered"
    | "anchor-unchecked"
    | "actor-signature"
    | "two-persons"
    | "schema";
  readonly seq: number | null;
  readonly text: string;
};

/** What an anchor vouches for: that these first `size` entries, as they are now, were there at `time`. */
export type AnchorCover = { readonly anchor: string; readonly size: number; readonly time: string };

/** What recomputing the whole ledger found. `root` and `size` are of the recomputed tree. */
export type LedgerAudit = {
  readonly verdict: LedgerVerdict;
  readonly assurance: Assurance;
  readonly found: CheckpointId;
  readonly signed: CheckpointId | null;
  /** Anchors of which something was checked and holds; how far each covers the ledger is in `covers`. */
  readonly anchors: readonly string[];
  readonly covers: readonly AnchorCover[];
  /** Anchors of the configuration that could not be asked, or of which there is nothing to check. */
  readonly unreachable: readonly string[];
  readonly problems: readonly LedgerProblem[];
  /** Receipts held by others, where a folder of them was given; null where none was. */
  readonly receipts: HeldReceipts | null;
};

/** How many receipts agree with this ledger, and how many entries the newest of them vouches for. */
export type HeldReceipts = { readonly agree: number; readonly newest: number };

export type ExhibitVerdict = "intact" | "altered" | "missing" | "unverifiable" | "held-by-provider";
export type VerifyMethod = "rehash" | "store-sha256" | "store-crc" | "client-asserted" | "provider-lock" | "none";
