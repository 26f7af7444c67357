import { describeError, HoldfastError } from "../core/error.ts";
import type { SweptLock, SweptRecord } from "../core/sweep-report.ts";
import type { Listed, Receipt, Stored, Vault } from "../core/vault.ts";

/** RFC 3339, whole seconds. */
export type RecordNeed = {
  /** Until when it was put there to stay, as far as that is known; an earlier date was set by somebody. */
  readonly promised: string | null;
  /** Until when the evidence stays that it proves. */
  readonly until: string;
  /** Until when it is kept from now on, where it ends before that. */
  readonly renewTo: string;
  /** False where this store keeps exhibits and never showed a lock of one: it has none to break. */
  readonly locks: boolean;
};

/** Reads the lock of one object of our own back, and lengthens what ends before the evidence that it proves. */
export async function sweepRecord(vault: Vault, listed: Listed, need: RecordNeed, now: Date, dryRun: boolean, signal: AbortSignal): Promise<SweptRecord> {
  const told = { vault: vault.name, key: listed.key, shownUntil: null, renewal: "not-due", until: null } as const;
  try {
    const state = await vault.attest(asStored(vault, listed, need), "identity", signal);
    if (state.kind !== "present") return { ...told, lock: state.kind === "missing" ? "missing" : "unread", text: state.text };
    const { receipt } = state;
    const lock = lockOf(receipt, vault, need, now);
    const seen = { ...told, lock, shownUntil: receipt.retainUntil, text: lock === "kept" ? "" : receipt.text };
    const shown = receipt.retainUntil === null ? 0 : Date.parse(receipt.retainUntil);
    if (lock === "unread" || lock === "never-shown" || shown >= Date.parse(need.until)) return seen;
    const until = need.renewTo;
    if (dryRun) return { ...seen, renewal: "due", until };
    return { ...seen, until, ...(await renewed(vault, listed, until, signal)) };
  } catch (error) {
    return { ...told, lock: "unread", text: textOf(error, signal) };
  }
}

async function renewed(
  vault: Vault,
  listed: Listed,
  until: string,
  signal: AbortSignal,
): Promise<{ readonly renewal: "renewed" | "failed"; readonly text?: string }> {
  try {
    // It is read back there, and rejects where the store does not show it.
    await vault.extend({ vault: vault.name, uri: vault.locate(listed.key), key: listed.key, version: listed.version }, until, signal);
    return { renewal: "renewed" };
  } catch (error) {
    return { renewal: "failed", text: `not renewed: ${textOf(error, signal)}` };
  }
}

/** Nobody can be asked any more once credentials have lapsed; whatever else a store says is about this object. */
function textOf(error: unknown, signal: AbortSignal): string {
  signal.throwIfAborted();
  if (!(error instanceof HoldfastError) || error.code === "paused" || error.code === "unexpected") throw error;
  return describeError(error);
}

function lockOf(receipt: Receipt, vault: Vault, need: RecordNeed, now: Date): SweptLock {
  if (receipt.lock === "unknown") return "unread";
  if (receipt.retainUntil === null && !need.locks) return "never-shown";
  if (receipt.retainUntil === null || (receipt.mode !== vault.mode && receipt.mode !== "compliance")) return "broken";
  const shown = Date.parse(receipt.retainUntil);
  if (need.promised !== null && shown < Date.parse(need.promised)) return "broken";
  return shown <= now.getTime() ? "lapsed" : "kept";
}

/** What it holds is the audit's question; here its lock is looked at. */
function asStored(vault: Vault, { key, version, bytes }: Listed, need: RecordNeed): Stored {
  return {
    vault: vault.name,
    uri: vault.locate(key),
    key,
    version,
    bytes: bytes ?? 0,
    checksum: { algorithm: "sha256", type: "full", value: "", partSize: String(Math.max(bytes ?? 0, 1)) },
    asked: { mode: vault.mode, retainUntil: need.until, legalHold: false },
    requestIds: [],
    proof: "reread",
  };
}
