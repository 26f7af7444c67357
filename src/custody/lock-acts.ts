import { actDraft } from "../core/act-draft.ts";
import type { ActReceipt, Actor } from "../core/act.ts";
import { parseExhibitId } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import type { Reader, Recorder } from "../core/recorder.ts";
import type { Receipt, Vault } from "../core/vault.ts";
import { type StoredExhibit, storedExhibit } from "./stored-exhibit.ts";

export type LockContext = {
  readonly reader: Reader;
  readonly recorder: Recorder;
  readonly vaultOf: (name: string) => Promise<Vault>;
  readonly actor: Actor;
  readonly reason: string;
  readonly authority: string | null;
};

export type LockChange = { readonly exhibit: string; readonly receipt: Receipt; readonly act: ActReceipt };

/** Sets a legal hold and records what the store shows afterwards. Clearing one needs a second person and is another act. */
export async function setHold(context: LockContext, id: string, signal: AbortSignal): Promise<LockChange> {
  const { put } = storedExhibit(context.reader, id);
  const vault = await context.vaultOf(put.vault);
  const requestIds = await vault.hold(put, true, signal);
  const receipt = await mustShow(vault, { ...put, asked: { ...put.asked, legalHold: true } }, id, signal);
  return { exhibit: id, receipt, act: await record(context, "held", id, receipt, requestIds, {}) };
}

/** Lengthens retention, never shortens it. `until` is RFC 3339 UTC in whole seconds. */
export async function extendRetention(context: LockContext, id: string, until: string, signal: AbortSignal): Promise<LockChange> {
  const { put } = storedExhibit(context.reader, id);
  if (Date.parse(until) <= Date.parse(put.asked.retainUntil))
    throw new HoldfastError("refused", `exhibit ${id} is kept until ${put.asked.retainUntil}; ${until} is not later, and retention is never shortened`);
  const vault = await context.vaultOf(put.vault);
  const requestIds = await vault.extend(put, until, signal);
  const receipt = await mustShow(vault, { ...put, asked: { ...put.asked, retainUntil: until } }, id, signal);
  return { exhibit: id, receipt, act: await record(context, "retention-extended", id, receipt, requestIds, { retainUntil: until }) };
}

/** Every exhibit is looked at before the first is changed: a mistyped id must not leave a list half done. */
export function demandStored(reader: Reader, ids: readonly string[]): void {
  for (const id of ids) storedExhibit(reader, id);
}

async function mustShow(vault: Vault, put: StoredExhibit["put"], id: string, signal: AbortSignal): Promise<Receipt> {
  const state = await vault.attest(put, put.encoding, signal);
  if (state.kind === "present") return state.receipt;
  throw new HoldfastError("vault", `exhibit ${id}: the change was sent, but the store does not show the object: ${state.text}`);
}

async function record(
  context: LockContext,
  act: "held" | "retention-extended",
  id: string,
  receipt: Receipt,
  requestIds: readonly string[],
  detail: { readonly [key: string]: string },
): Promise<ActReceipt> {
  const [written] = await context.recorder.append([
    actDraft(act, context.actor, {
      case: parseExhibitId(id).caseId,
      exhibits: [id],
      reason: context.reason,
      authority: context.authority,
      stored: receipt,
      requestIds: [...requestIds, ...receipt.requestIds].slice(0, 20),
      detail: { ...detail, text: receipt.text },
    }),
  ]);
  if (written === undefined) throw new HoldfastError("unexpected", `${act} ${id}: the ledger gave no receipt`);
  return written;
}
