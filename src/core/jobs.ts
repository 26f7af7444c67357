import type { Plan, Step } from "./plan.ts";
import type { PutJournal } from "./vault.ts";

/** What a collection was asked to be; kept with its journal so that resume needs nothing from the person. */
export type CollectionOrder = {
  readonly collection: string;
  readonly case: string;
  readonly target: string;
  readonly actor: string;
  readonly reason: string;
  readonly authority: string | null;
  readonly vault: string;
  /** RFC 3339 UTC, whole seconds. */
  readonly retainUntil: string;
  /** How long from its start, in milliseconds: a lock that would have lapsed before a late resume begins anew. */
  readonly retainMs: number;
  readonly legalHold: boolean;
  readonly compress: "auto" | "none" | "zstd";
  readonly plan: Plan;
  readonly started: string;
};

export type CollectionState = "running" | "paused" | "interrupted" | "finished" | "cancelled" | "failed";

export type StepState = {
  readonly step: Step;
  /** Exhibit id as now assigned; null before the start act gave numbers. */
  readonly exhibit: string | null;
  readonly state: "waiting" | "running" | "done" | "failed";
  readonly done: number;
  readonly total: number | null;
  /** How often its bytes were begun. */
  readonly tries: number;
  /** What was durable in the vault but not yet in the ledger, as the runner wrote it; JSON text. */
  readonly result: string | null;
  /** What the step left for its own next attempt and for later steps (StepContext.remember); JSON text. */
  readonly memory: string | null;
};

export type CollectionView = {
  readonly order: CollectionOrder;
  readonly state: CollectionState;
  readonly steps: readonly StepState[];
};

/**
 * The right to drive one collection. The number grows with every lease of the same collection: acts and vault writes carry
 * it, and an older one is refused (fencing).
 */
export type Lease = { readonly collection: string; readonly number: number };

/**
 * The small job port: what a durable engine must give. Embedded on work.db; a cluster engine is one more file beside it.
 * Every call is durable when it returns. Safe from several processes.
 */
export interface Jobs {
  /**
   * Registers a collection. Refuses (`refused`) where a live collection would disturb the same target with an exclusive
   * step, naming who and how far.
   */
  create(order: CollectionOrder): void;
  /**
   * Refuses (`refused`) while another live process holds it, and once it is finished, cancelled or asked to stop, unless it is
   * taken in order to close it. A dead owner's lease is taken over at once.
   */
  lease(collection: string, purpose?: "drive" | "close"): Lease;
  /** To be called every few seconds; false if the lease was lost: stop at once. */
  beat(lease: Lease): boolean;
  release(lease: Lease, state: CollectionState): void;

  assign(lease: Lease, step: string, exhibit: string): void;
  mark(lease: Lease, step: string, state: StepState["state"]): void;
  progress(lease: Lease, step: string, done: number, total: number | null): void;
  /**
   * Keeps how a stable source looked when its bytes were begun, and gives what was kept before; null the first time. A step
   * that is assigned a new number begins anew.
   */
  identify(lease: Lease, step: string, identity: string): string | null;
  /** Keeps what a finished put gave, between the vault's answer and the outcome act. */
  keep(lease: Lease, step: string, result: string): void;
  remember(lease: Lease, step: string, memory: string): void;
  /** The journal of one put. A step that starts again under a new exhibit number has a new journal. */
  journal(lease: Lease, step: string, exhibit: string): PutJournal;
  /** Read-only look at the tokens of unfinished uploads: what cleanup must abandon. */
  leftovers(collection: string): readonly { readonly step: string; readonly exhibit: string; readonly token: string }[];
  forget(collection: string, exhibit: string): void;

  view(collection: string): CollectionView | null;
  list(): readonly CollectionView[];
  /** Asks a running collection to stop; it looks at every beat. */
  requestCancel(collection: string): void;
  cancelRequested(collection: string): boolean;
  close(): void;
}
