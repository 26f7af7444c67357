import { HoldfastError } from "../core/error.ts";
import type { ReconcileReport, UnexplainedCall } from "../core/reconcile-report.ts";
import { readAccessLogs } from "../verify/access-logs.ts";
import { knownCalls } from "../verify/known-calls.ts";
import { reconcile, type ReconcileWish } from "../verify/reconcile.ts";
import type { Services } from "./services.ts";

/** Stores' own logs beside our acts. */
export type Reconciling = {
  /** Tells of every call that no act explains. Reads only. */
  reconcile(folder: string, wish: ReconcileWish, each: (call: UnexplainedCall) => void, signal: AbortSignal): Promise<ReconcileReport>;
};

export function reconciling(services: Services): Reconciling {
  return {
    async reconcile(folder, wish, each, signal) {
      const known = services.reader((reader) => knownCalls(reader, wish.since - wish.tolerance));
      if (known.objects.size === 0)
        throw new HoldfastError("usage", "no exhibit of this home lies in an S3 vault: there is nothing that its access logs could speak of");
      return reconcile(() => readAccessLogs(folder, signal), known, wish, each);
    },
  };
}
