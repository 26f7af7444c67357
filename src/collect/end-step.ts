import { whyNotSealed } from "../core/exhibit.ts";
import type { CollectionOrder } from "../core/jobs.ts";
import type { Step } from "../core/plan.ts";
import type { Receipt } from "../core/vault.ts";
import type { LeasedContext } from "./context.ts";
import { endingActs, type StepEnd } from "./outcome-act.ts";

/** Asks the store what it shows, then records. */
export async function endStep(context: LeasedContext, order: CollectionOrder, step: Step, exhibit: string, end: StepEnd, signal: AbortSignal): Promise<void> {
  const receipt = await readBack(context, end, signal);
  await context.recorder.append(endingActs(order, context.actor, context.lease.number, step, exhibit, end, receipt));
  context.jobs.mark(context.lease, step.id, "done");
  context.jobs.forget(order.collection, exhibit);
  // What a directory is worth is said once, with the results; any other missing seal is news.
  const lock = receipt === null || receipt.sealed || receipt.mode === "directory" ? null : whyNotSealed(receipt);
  context.progress({ kind: "end", exhibit, outcome: end.outcome, detail: [end.detail.text, lock].filter((t) => t !== null).join("; ") || null });
}

async function readBack(context: LeasedContext, end: StepEnd, signal: AbortSignal): Promise<Receipt | null> {
  const { put } = end.detail;
  if (put === null) return null;
  const state = await context.vault.attest(put, put.encoding, signal);
  switch (state.kind) {
    case "present":
      return state.receipt;
    case "missing":
    case "unknown":
      // Stored, acknowledged, and now not shown: the bytes are accounted for, the lock is not assumed.
      return {
        uri: put.uri,
        version: put.version,
        bytes: String(put.bytes),
        encoding: put.encoding,
        checksum: put.checksum,
        lock: state.kind === "missing" ? "none" : "unknown",
        mode: null,
        retainUntil: null,
        legalHold: null,
        sealed: false,
        text: state.text,
        problems: [state.text],
        requestIds: [],
      };
    default:
      return state satisfies never;
  }
}
