import type { Act, ActDraft, ActReceipt, CheckpointId } from "./act.ts";
import type { Case } from "./case.ts";

/**
 * Writes acts. `append` resolves when the acts are durable, signed for, and the head has moved (commit → sign → compare-and-swap
 * head → receipt). Calls may run concurrently, in one process and in several on one home; they are committed in groups. All
 * drafts of one call land in one commit or not at all. Rejects with `rollback` or `fork` where the ledger is not the one that
 * was signed before, `refused` for a stale lease and for what FORMAT.md §13 does not allow (unsigned in an enrolled name, one person
 * where two are needed: that it was tried is then an act itself), `config` where the actor's key cannot sign, `ledger` where the
 * store fails.
 */
export interface Recorder {
  append(drafts: readonly ActDraft[]): Promise<readonly ActReceipt[]>;
  close(): Promise<void>;
}

/** Reads acts and cannot write. Iteration is lazy and keeps memory flat. */
export interface Reader {
  checkpoint(): CheckpointId | null;
  /** The signed note of the newest checkpoint, verbatim. */
  note(): string | null;
  size(): number;
  act(seq: number): Act;
  acts(filter: ActFilter): Iterable<Act>;
  /** The act that was recorded under this `once`, or null. */
  named(once: string): Act | null;
  cases(): readonly Case[];
  case(id: string): Case | null;
  close(): void;
}

/** All given fields must match. `collection` and `exhibit` are indexed, as is `case`. */
export type ActFilter = {
  readonly case?: string;
  readonly exhibit?: string;
  readonly collection?: string;
};
