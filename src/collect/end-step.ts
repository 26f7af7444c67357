import { whyNotSealed } from "../core/exhibit.ts";
import type { CollectionOrder } from "../core/jobs.ts";
import type { Step } from "../core/plan.ts";
import type { Held } from "../core/held.ts";
import type { ObjectState, Receipt } from "../core/vault.ts";
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
  const { put, held } = end.detail;
  if (put !== null) return shown(await context.vault.attest(put, put.encoding, signal), { ...put, bytes: String(put.bytes) });
  if (held === null) return null;
  return shown(await attestHeld(context, held, signal), {
    uri: held.uri,
    version: null,
    bytes: String(held.bytes),
    encoding: "identity",
    checksum: { algorithm: "sha256", type: "full", value: "", partSize: "0" },
  });
}

async function attestHeld(context: LeasedContext, held: Held, signal: AbortSignal): Promise<ObjectState> {
  const { holder } = context.collector;
  return holder === null ? { kind: "unknown", text: `nobody here can ask ${held.provider} about ${held.uri}` } : holder.attest(held, signal);
}

function shown(state: ObjectState, { uri, version, bytes, encoding, checksum }: Pick<Receipt, "uri" | "version" | "bytes" | "encoding" | "checksum">): Receipt {
  switch (state.kind) {
    case "present":
      return state.receipt;
    case "missing":
    case "unknown":
      // Stored, acknowledged, and now not shown: the bytes are accounted for, the lock is not assumed.
      return {
        uri,
        version,
        bytes,
        encoding,
        checksum,
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
