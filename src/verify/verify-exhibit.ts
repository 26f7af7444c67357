import { HoldfastError } from "../core/error.ts";
import { exhibitFromActs, promiseOf } from "../core/exhibit.ts";
import type { OutcomeDetail } from "../core/outcome-detail.ts";
import type { Reader } from "../core/recorder.ts";
import type { Receipt, Vault } from "../core/vault.ts";
import { rehash } from "./rehash.ts";
import type { ExhibitCheck } from "../core/exhibit-check.ts";

type Put = NonNullable<OutcomeDetail["put"]>;

/**
 * Checks one exhibit: its bytes (re-read whole, or by the store's own checksum when `quick`) and its lock, as read back now.
 * Null for an exhibit that has nothing stored (its outcome is the record) or is not ended.
 */
export async function verifyExhibit(
  reader: Reader,
  id: string,
  vaultOf: (name: string) => Promise<Vault>,
  quick: boolean,
  signal: AbortSignal,
): Promise<ExhibitCheck | null> {
  const acts = [...reader.acts({ exhibit: id })];
  const exhibit = exhibitFromActs(id, acts);
  const put = promiseOf(acts);
  if (exhibit === null || put === null) return null;
  const recorded = exhibit.sha256;
  const bare = { id, recorded, found: null, lock: null } as const;
  try {
    const vault = await vaultOf(put.vault);
    const state = await vault.attest(put, put.encoding, signal);
    if (state.kind === "missing") return { ...bare, verdict: "missing", method: "none", text: state.text };
    if (state.kind === "unknown" && quick) return { ...bare, verdict: "unverifiable", method: "none", text: state.text };
    const lock = state.kind === "present" ? lockCheck(state.receipt, put, exhibit.stored) : null;
    const bytes = quick && state.kind === "present" ? byStore(state.receipt, put, recorded) : await byRehash(vault, put, recorded, signal);
    const notes = [bytes.text, lockText(lock, state.kind === "present" ? state.receipt : null), state.kind === "unknown" ? state.text : null];
    return { id, recorded, lock, ...bytes, text: notes.filter((note) => note !== null).join("; ") };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "paused") throw error;
    return { ...bare, verdict: "unverifiable", method: "none", text: error instanceof Error ? error.message : String(error) };
  }
}

type Bytes = Pick<ExhibitCheck, "verdict" | "method" | "found" | "text">;

async function byRehash(vault: Vault, put: Put, recorded: string | null, signal: AbortSignal): Promise<Bytes> {
  const found = await rehash(vault, put, signal);
  switch (found.kind) {
    case "read": {
      const same = found.raw.sha256 === recorded && found.storedChecksum === put.checksum.value;
      const text = same ? "every byte was read again and gives the recorded digest" : `recorded SHA-256 ${recorded ?? "none"}, found ${found.raw.sha256}`;
      return { verdict: same ? "intact" : "altered", method: "rehash", found: found.raw.sha256, text };
    }
    case "altered":
      return { verdict: "altered", method: "rehash", found: null, text: found.text };
    default:
      return found satisfies never;
  }
}

/** Only a digest that the store computed from the bytes proves them; a directory keeps none. */
function byStore(receipt: Receipt, put: Put, recorded: string | null): Bytes {
  if (receipt.mode === "directory")
    return { verdict: "unverifiable", method: "none", found: null, text: "a directory computes no digests; verify without --quick reads the bytes" };
  if (receipt.bytes !== String(put.bytes))
    return { verdict: "altered", method: "store-sha256", found: null, text: `recorded ${put.bytes} stored bytes, the store shows ${receipt.bytes}` };
  if (receipt.checksum.value === "") return { verdict: "unverifiable", method: "none", found: null, text: "the store shows no SHA-256 of this object" };
  const same = receipt.checksum.value === put.checksum.value && receipt.checksum.type === put.checksum.type;
  return same
    ? { verdict: "intact", method: "store-sha256", found: recorded, text: "the store's own SHA-256 is the one that was recorded" }
    : { verdict: "altered", method: "store-sha256", found: null, text: `recorded checksum ${put.checksum.value}, the store shows ${receipt.checksum.value}` };
}

function lockCheck(now: Receipt, promised: Put, then: Receipt | null): NonNullable<ExhibitCheck["lock"]> {
  const kept = now.retainUntil !== null && Date.parse(now.retainUntil) >= Date.parse(promised.asked.retainUntil);
  const held = !promised.asked.legalHold || now.legalHold === true;
  // What was never shown cannot be broken: the promise that counts is the lock that was read back at the time.
  const wasPromised = then !== null && then.problems.length === 0;
  const asRecorded = !wasPromised || (now.lock === then.lock && now.mode === then.mode && kept && held);
  return { lock: now.lock, mode: now.mode, retainUntil: now.retainUntil, legalHold: now.legalHold, asRecorded };
}

function lockText(lock: ExhibitCheck["lock"], receipt: Receipt | null): string | null {
  if (lock === null || receipt === null) return "its lock could not be read";
  if (lock.lock === "unknown") return `its lock could not be read: ${receipt.text}`;
  if (!lock.asRecorded) return `its lock is not what was recorded: ${receipt.text}`;
  return lock.lock === "irrevocable" ? `locked until ${lock.retainUntil ?? "unknown"}` : `its lock is ${lock.lock}`;
}
