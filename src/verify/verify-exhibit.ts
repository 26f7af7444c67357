import { describeError, HoldfastError } from "../core/error.ts";
import { exhibitFromActs, keptOf, type ShownLock, shownLockOf } from "../core/exhibit.ts";
import type { Holder } from "../core/held.ts";
import type { OutcomeDetail } from "../core/outcome-detail.ts";
import type { Reader } from "../core/recorder.ts";
import type { Receipt, Vault } from "../core/vault.ts";
import { rehash } from "./rehash.ts";
import type { ExhibitCheck } from "../core/exhibit-check.ts";
import { lockCheck, lockText } from "./lock-check.ts";
import { checkHeld } from "./verify-held.ts";

type Put = NonNullable<OutcomeDetail["put"]>;

/** `nothing-stored`: the outcome is the record, and there are no bytes to check. */
export type ExhibitFinding = { readonly kind: "checked" | "nothing-stored"; readonly check: ExhibitCheck };

/** Who is asked what became of it: vaults by name, providers by the target that they hold evidence of (null: nobody can ask). */
export type Keepers = {
  readonly vaultOf: (name: string) => Promise<Vault>;
  readonly holderOf: (target: string) => Promise<Holder | null>;
};

/**
 * Checks one exhibit: its bytes (re-read whole, or by the store's own checksum when `quick`) and its lock, as read back now.
 * Rejects with `usage` where the ledger names no such exhibit, and with what the reader throws for a damaged one.
 */
export async function verifyExhibit(reader: Reader, id: string, { vaultOf, holderOf }: Keepers, quick: boolean, signal: AbortSignal): Promise<ExhibitFinding> {
  const acts = [...reader.acts({ exhibit: id })];
  if (acts.length === 0) throw new HoldfastError("usage", `there is no exhibit ${id}; \`holdfast exhibits\` lists them`);
  const exhibit = exhibitFromActs(id, acts);
  if (exhibit === null) return { kind: "checked", check: unverifiable(id, null, "it has no outcome yet; its collection is still open (`holdfast status`)") };
  const kept = keptOf(acts);
  try {
    switch (kept.kind) {
      case "nothing":
        return {
          kind: "nothing-stored",
          check: unverifiable(id, exhibit.sha256, `${exhibit.outcome.toUpperCase()}: nothing of it is stored (${exhibit.detail ?? "no detail"})`),
        };
      case "held": {
        const holder = kept.target === null ? null : await holderOf(kept.target);
        if (holder === null) return { kind: "checked", check: unverifiable(id, null, `${kept.held.uri}: nobody here can ask ${kept.held.provider} about it`) };
        return { kind: "checked", check: await checkHeld(holder, id, kept.held, shownLockOf(acts), signal) };
      }
      case "stored": {
        const vault = await vaultOf(kept.put.vault);
        const check = await checkStored(vault, { id, recorded: exhibit.sha256, put: kept.put, shown: shownLockOf(acts), quick }, signal);
        return { kind: "checked", check: whereItIs(check, vault.locate(kept.put.key), kept.put) };
      }
      default:
        return kept satisfies never;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HoldfastError && error.code === "paused") throw error;
    return { kind: "checked", check: unverifiable(id, exhibit.sha256, describeError(error)) };
  }
}

/** A check that could not be made, and why. */
export function unverifiable(id: string, recorded: string | null, text: string): ExhibitCheck {
  return { id, verdict: "unverifiable", method: "none", recorded, found: null, lock: null, text };
}

type Subject = { readonly id: string; readonly recorded: string | null; readonly put: Put; readonly shown: ShownLock | null; readonly quick: boolean };

async function checkStored(vault: Vault, { id, recorded, put, shown, quick }: Subject, signal: AbortSignal): Promise<ExhibitCheck> {
  const state = await vault.attest(put, put.encoding, signal);
  if (state.kind === "missing") return { ...unverifiable(id, recorded, state.text), verdict: "missing" };
  if (state.kind === "unknown" && quick) return unverifiable(id, recorded, state.text);
  const lock = state.kind === "present" ? lockCheck(state.receipt, shown) : null;
  const bytes = quick && state.kind === "present" ? byStore(state.receipt, put, recorded) : await byRehash(vault, put, recorded, signal);
  const notes = [bytes.text, lockText(lock, state.kind === "present" ? state.receipt : null), state.kind === "unknown" ? state.text : null];
  return { id, recorded, lock, ...bytes, text: notes.filter((note) => note !== null).join("; ") };
}

/**
 * A vault that is configured elsewhere now says nothing about the object that was recorded, unless the very bytes are there too (a
 * home that was moved or copied whole).
 */
function whereItIs(check: ExhibitCheck, now: string, put: Put): ExhibitCheck {
  if (now === put.uri) return check;
  const text = `it was stored as ${put.uri}, and the configuration points elsewhere: vault ${put.vault} would have it as ${now}`;
  if (check.verdict !== "intact" || check.lock?.asRecorded === false) return unverifiable(check.id, check.recorded, `${text}, where it is not as recorded`);
  return { ...check, text: `${check.text}; ${text}, which is what was read` };
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
  if (put.proof === "reread" && (receipt.checksum.value === "" || receipt.checksum.type !== "full"))
    return {
      verdict: "unverifiable",
      method: "none",
      found: null,
      text: "the store has no SHA-256 of the whole, since the target pushed it in parts; verify without --quick reads the bytes",
    };
  if (receipt.checksum.value === "") return { verdict: "unverifiable", method: "none", found: null, text: "the store shows no SHA-256 of this object" };
  const same = receipt.checksum.value === put.checksum.value && receipt.checksum.type === put.checksum.type;
  return same
    ? { verdict: "intact", method: "store-sha256", found: recorded, text: "the store's own SHA-256 is the one that was recorded" }
    : { verdict: "altered", method: "store-sha256", found: null, text: `recorded checksum ${put.checksum.value}, the store shows ${receipt.checksum.value}` };
}
