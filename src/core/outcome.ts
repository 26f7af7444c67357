import type { Window } from "./window.ts";

/** How a step ended. Exactly one per exhibit; silence is never success. */
export const outcomes = ["collected", "empty", "source-disabled", "denied", "unavailable", "truncated", "failed"] as const;
export type Outcome = (typeof outcomes)[number];

/** A byte range of a source. Offsets and lengths in bytes. */
export type Extent = { readonly offset: number; readonly length: number };

/** Something that was asked for and was not got: always named, with its reason. */
export type Gap = {
  /** What is missing: a path (printable form), a window, a byte range. */
  readonly what: string;
  readonly outcome: Exclude<Outcome, "collected" | "empty">;
  readonly reason: string;
};

/** What was asked, what was got, and what lies between. */
export type Coverage = {
  readonly asked: Window | null;
  readonly got: Window | null;
  readonly gaps: readonly Gap[];
};

/** `collected` and `empty` are the two outcomes that leave nothing to explain. */
export function isComplete(outcome: Outcome): boolean {
  return outcome === "collected" || outcome === "empty";
}
