import type { Exhibit } from "./exhibit.ts";

/** One collection as contract.md's `collect --json` shows it. */
export type CollectionResult = {
  readonly collection: string;
  readonly case: string;
  readonly target: string;
  readonly outcome: "collected" | "partial" | "failed";
  readonly exhibits: readonly Exhibit[];
  readonly footprint: { readonly writtenBytes: string; readonly tools: readonly string[] };
  readonly seconds: number;
};
