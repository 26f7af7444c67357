import { HoldfastError } from "../../../src/core/error.ts";
import { printable } from "../../../src/core/printable.ts";
import type { No } from "./ebs-blocks.ts";

/** EBS direct said no, and asking again would not change it. */
export class SnapshotRefused extends HoldfastError {
  readonly outcome: "denied" | "unavailable";
  constructor(outcome: "denied" | "unavailable", message: string) {
    super("unexpected", message);
    this.outcome = outcome;
  }
}

export function ended(snapshot: string, doing: string, no: Exclude<No, { readonly kind: "throttled" }>): HoldfastError {
  const text = `${snapshot}: ${doing} was refused: ${printable(no.text)}`;
  return no.kind === "refused" ? new SnapshotRefused(no.outcome, text) : new HoldfastError("unexpected", text);
}
