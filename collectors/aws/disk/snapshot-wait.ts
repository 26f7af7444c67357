import { printable } from "../../../src/core/printable.ts";
import type { Aws } from "../aws.ts";
import type { Refused } from "../client/refused.ts";
import { type Ec2Snapshot, lookAtSnapshot, type Where } from "./snapshot-look.ts";

export type SnapshotEnd =
  | { readonly kind: "completed"; readonly snapshot: Ec2Snapshot }
  /** `text`: EC2's StateMessage, or what state it is in instead. */
  | { readonly kind: "broken"; readonly text: string; readonly snapshot: Ec2Snapshot | null }
  | { readonly kind: "unseen"; readonly refused: Refused };

/** A day without any progress is no snapshot under way. */
const stuckMs = 24 * 60 * 60_000;

/**
 * Waits until a snapshot is completed or never will be: hours for terabytes. Nothing is kept: who is interrupted comes back and
 * waits on. The SDK's waiter gives up after a fixed time (facts/aws §1.1).
 */
export async function awaitSnapshot(aws: Aws, where: Where, id: string, signal: AbortSignal): Promise<SnapshotEnd> {
  let [progress, since] = ["", aws.clock().getTime()];
  let seen = false;
  for (let look = 0; ; look += 1) {
    const looked = await lookAtSnapshot(aws, where, id, signal);
    const snapshot = looked.kind === "seen" ? looked.snapshots[0] : undefined;
    if (snapshot === undefined) {
      const missing = looked.kind === "seen" || looked.trouble === "missing";
      if (!missing && looked.kind === "refused") return { kind: "unseen", refused: looked };
      // In its first minutes it may not be known everywhere; later it was deleted.
      if (seen || look >= 8) return { kind: "broken", text: "it is gone: somebody deleted it", snapshot: null };
    } else {
      seen = true;
      const state = snapshot.State ?? "without a state";
      if (state === "completed") return { kind: "completed", snapshot };
      if (state !== "pending")
        return { kind: "broken", text: `it went to state ${state}: ${printable(snapshot.StateMessage ?? "EC2 does not say why")}`, snapshot };
      if (progress !== (snapshot.Progress ?? "")) [progress, since] = [snapshot.Progress ?? "", aws.clock().getTime()];
      if (aws.clock().getTime() - since > stuckMs)
        return { kind: "broken", text: `it is pending at ${progress || "0%"} and has not moved for a day`, snapshot };
    }
    await aws.sleep(Math.min(60_000, 5000 * 1.5 ** look), signal);
  }
}
