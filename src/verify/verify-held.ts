import type { ShownLock } from "../core/exhibit.ts";
import type { ExhibitCheck } from "../core/exhibit-check.ts";
import type { Held, Holder } from "../core/held.ts";
import { lockCheck, lockText } from "./lock-check.ts";

/**
 * Evidence that its provider keeps in place: there are no bytes to compare, so that what can be said is that it exists and that
 * its lock is irrevocable and as recorded, read back now. A weaker lock is `unverifiable`, and damage where more had been shown.
 */
export async function checkHeld(holder: Holder, id: string, held: Held, shown: ShownLock | null, signal: AbortSignal): Promise<ExhibitCheck> {
  const state = await holder.attest(held, signal);
  const none = { id, method: "none" as const, recorded: null, found: null, lock: null };
  switch (state.kind) {
    case "missing":
      return { ...none, verdict: "missing", text: state.text };
    case "unknown":
      return { ...none, verdict: "unverifiable", text: state.text };
    case "present": {
      const lock = lockCheck(state.receipt, shown);
      const safe = lock.lock === "irrevocable" && lock.asRecorded;
      const text = `${held.uri} is there, ${lockText(lock, state.receipt)}; it has no digest until a disk-image of it is taken`;
      return { id, recorded: null, found: null, lock, verdict: safe ? "held-by-provider" : "unverifiable", method: safe ? "provider-lock" : "none", text };
    }
    default:
      return state satisfies never;
  }
}
