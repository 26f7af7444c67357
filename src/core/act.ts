import type { Sha256 } from "./digest.ts";
import type { Outcome } from "./outcome.ts";
import type { ClockQuality } from "./ports.ts";
import type { Receipt } from "./vault.ts";

/** The custody events. An exhibit's outcome is an act of that name. Later issues add names; none is ever changed. */
export const actNames = [
  "home-made",
  "case-opened",
  "note",
  "planned",
  "started",
  "collected",
  "empty",
  "source-disabled",
  "denied",
  "unavailable",
  "truncated",
  "failed",
  "sealed",
  "accessed",
  "verified",
  "held",
  "retention-extended",
  "intended",
  "changed",
  "undone",
  "resumed",
  "cancelled",
  "cleaned",
  "finished",
  "refused",
  "actor-enrolled",
  "actor-revoked",
  "requested",
  "approved",
  "hold-cleared",
  "retention-cut",
  "released",
  "transferred",
  "acknowledged",
  "corrected",
  "disposed",
  "unredacted-exported",
  "key-rotated",
  "key-revoked",
  "key-backed-up",
  "restored",
] as const;
export type ActName = (typeof actNames)[number];

export type Actor = {
  readonly id: string;
  readonly kind: "person" | "machine";
  readonly proof: "signed" | "oidc" | "asserted";
};

export type Tool = {
  readonly name: string;
  readonly version: string;
  /** Digest over the release's files, lockfile and Node version (FORMAT.md). */
  readonly sha256: Sha256;
};

/** JSON that may stand in a leaf: no floats, no undefined; numbers are safe integers and sizes are strings of digits. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What someone wants recorded. The writer adds exhibit numbers, chain fields and the nonce. */
export type ActDraft = {
  readonly act: ActName;
  readonly actor: Actor;
  readonly reason: string | null;
  readonly authority: string | null;
  readonly case: string | null;
  readonly collection: string | null;
  readonly step: string | null;
  readonly target: string | null;
  /** Exhibits that this act is about, by id. */
  readonly exhibits: readonly string[];
  /** Reserve this many new exhibit numbers of the case, in the same transaction, and make the act about them too. */
  readonly reserve: number;
  /** Digests of raw evidence this act attests, by exhibit id; bytes as decimal string. */
  readonly digests: Readonly<Record<string, { readonly sha256: Sha256; readonly bytes: string }>>;
  readonly stored: Receipt | null;
  readonly requestIds: readonly string[];
  /** Fencing number of the lease under which the act was done; the writer refuses an older one than it has seen for the collection. */
  readonly lease: number | null;
  /**
   * Names what may happen once only (`COLLECTION/STEP/outcome`). A second append of the same name returns the first receipt
   * and adds nothing: this is what makes resume safe.
   */
  readonly once: string | null;
  /** Everything else that belongs to this act, by its name in FORMAT.md. */
  readonly detail: { readonly [key: string]: Json };
};

/** One entry of the ledger, as read. */
export type Act = Omit<ActDraft, "reserve" | "exhibits"> & {
  readonly seq: number;
  readonly time: string;
  readonly clock: ClockQuality;
  readonly tool: Tool;
  /** Every exhibit the act is about with its place in that exhibit's chain. `prev` is the leaf hash (hex) of its previous act, or 64 zeros. */
  readonly exhibits: readonly { readonly id: string; readonly seq: number; readonly prev: string }[];
  /** Hex. */
  readonly leafHash: Sha256;
};

/** Proof of having been recorded. Assurance is `self` until something outside holds the checkpoint. */
export type ActReceipt = {
  readonly seq: number;
  readonly leafHash: Sha256;
  readonly exhibits: readonly string[];
  readonly checkpoint: CheckpointId;
};

export type CheckpointId = { readonly origin: string; readonly size: string; readonly root: string };

export function isOutcomeAct(act: ActName): act is Outcome & ActName {
  return (
    act === "collected" || act === "empty" || act === "source-disabled" || act === "denied" || act === "unavailable" || act === "truncated" || act === "failed"
  );
}
