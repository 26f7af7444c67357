import type { Done } from "./collector.ts";
import type { Exhibit } from "./exhibit.ts";

/** One collection as contract.md's `collect --json` shows it. */
export type CollectionResult = {
  readonly collection: string;
  readonly case: string;
  readonly target: string;
  readonly outcome: "collected" | "partial" | "failed";
  readonly exhibits: readonly Exhibit[];
  /** Its act steps, in the order of the plan, as far as they were begun. */
  readonly changes: readonly Change[];
  readonly footprint: { readonly writtenBytes: string; readonly tools: readonly string[] };
  readonly seconds: number;
};

/** One side effect on the target or its account, and what became of it. */
export type Change = {
  readonly step: string;
  readonly title: string;
  /** Null: begun, and nothing is recorded of how it ended. */
  readonly outcome: Done["kind"] | null;
  readonly detail: string | null;
  /** How putting it back ended last; null where nobody did. */
  readonly undone: Done["kind"] | null;
};
