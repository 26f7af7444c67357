import { actDraft } from "../core/act-draft.ts";
import type { ActDraft, ActReceipt, Actor } from "../core/act.ts";
import { parseExhibitId } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import type { Reader, Recorder } from "../core/recorder.ts";
import type { Held, Holder } from "../core/held.ts";
import type { ObjectState, Receipt, Vault } from "../core/vault.ts";
import type { Retention } from "../core/lock.ts";
import { recordRefusal } from "./record-refusal.ts";
import { keptExhibit, type StoredExhibit } from "./stored-exhibit.ts";

export type LockContext = {
  readonly reader: Reader;
  readonly recorder: Recorder;
  readonly vaultOf: (name: string) => Promise<Vault>;
  /** Who holds evidence of this target in place; null where nobody can be asked. */
  readonly holderOf: (target: string) => Promise<Holder | null>;
  readonly actor: Actor;
  readonly reason: string;
  readonly authority: string | null;
};

export type LockChange = { readonly exhibit: string; readonly receipt: Receipt; readonly act: ActReceipt };

/** Sets a legal hold and records what the store shows afterwards. Clearing one needs a second person and is another act. */
export async function setHold(context: LockContext, id: string, signal: AbortSignal): Promise<LockChange> {
  const put = await recordRefusal(context, "held", [id], () => holdable(context.reader, id));
  const vault = await context.vaultOf(put.vault);
  const requestIds = await vault.hold(put, true, signal);
  const receipt = await mustShow(vault, { ...put, asked: { ...put.asked, legalHold: true } }, id, signal);
  return { exhibit: id, receipt, act: await record(context, "held", id, receipt, requestIds, {}) };
}

function holdable(reader: Reader, id: string): StoredExhibit["put"] {
  const { kept } = keptExhibit(reader, id);
  if (kept.kind === "stored") return kept.put;
  throw new HoldfastError(
    "refused",
    `exhibit ${id} is held in place as ${kept.held.uri}, and ${kept.held.provider} knows no legal hold there; extend its retention instead`,
  );
}

/**
 * Lengthens retention, never shortens it. `until` is RFC 3339 UTC in whole seconds. `restored`: nobody decided anew, and what somebody
 * took away at the store is given back.
 */
export async function extendRetention(context: LockContext, id: string, until: string, signal: AbortSignal, restored: boolean = false): Promise<LockChange> {
  const { kept, asked } = await recordRefusal(context, "retention-extended", [id], () => lengthenable(context.reader, id, until));
  const later = { ...asked, retainUntil: until };
  const { requestIds, receipt } =
    kept.kind === "held"
      ? await extendHeld(context, id, kept.target, { ...kept.held, asked: later }, signal)
      : await extendStored(context, id, { ...kept.put, asked: later }, signal);
  return {
    exhibit: id,
    receipt,
    act: await record(context, "retention-extended", id, receipt, requestIds, { retainUntil: until, ...(restored ? { restored } : {}) }),
  };
}

function lengthenable(reader: Reader, id: string, until: string): Pick<ReturnType<typeof keptExhibit>, "kept"> & { readonly asked: Retention } {
  const { kept } = keptExhibit(reader, id);
  const { asked } = kept.kind === "held" ? kept.held : kept.put;
  if (Date.parse(until) <= Date.parse(asked.retainUntil))
    throw new HoldfastError("refused", `exhibit ${id} is kept until ${asked.retainUntil}; ${until} is not later, and retention is never shortened`);
  return { kept, asked };
}

type Extended = { readonly requestIds: readonly string[]; readonly receipt: Receipt };

async function extendStored(context: LockContext, id: string, put: StoredExhibit["put"], signal: AbortSignal): Promise<Extended> {
  const vault = await context.vaultOf(put.vault);
  const requestIds = await vault.extend(put, put.asked.retainUntil, signal);
  return { requestIds, receipt: await mustShow(vault, put, id, signal) };
}

async function extendHeld(context: LockContext, id: string, target: string | null, held: Held, signal: AbortSignal): Promise<Extended> {
  const holder = target === null ? null : await context.holderOf(target);
  if (holder === null) throw new HoldfastError("config", `exhibit ${id}: nobody here can ask ${held.provider} about ${held.uri}`);
  const requestIds = await holder.extend(held, held.asked.retainUntil, signal);
  return { requestIds, receipt: presentOr(await holder.attest(held, signal), id) };
}

/** Every exhibit is looked at before the first is changed: a mistyped id must not leave a list half done. */
export function demandKept(reader: Reader, ids: readonly string[]): void {
  for (const id of ids) keptExhibit(reader, id);
}

async function mustShow(vault: Vault, put: StoredExhibit["put"], id: string, signal: AbortSignal): Promise<Receipt> {
  return presentOr(await vault.attest(put, put.encoding, signal), id);
}

function presentOr(state: ObjectState, id: string): Receipt {
  if (state.kind === "present") return state.receipt;
  throw new HoldfastError("vault", `exhibit ${id}: the change was sent, but the store does not show the object: ${state.text}`);
}

async function record(
  context: LockContext,
  act: "held" | "retention-extended",
  id: string,
  receipt: Receipt,
  requestIds: readonly string[],
  detail: ActDraft["detail"],
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
