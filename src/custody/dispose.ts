import { HoldfastError } from "../core/error.ts";
import { keptOf } from "../core/exhibit.ts";
import { recordRefusal } from "./record-refusal.ts";
import { putsOf, type Settlement, settle, type TwoPersonContext } from "./settle.ts";
import type { StoredExhibit } from "./stored-exhibit.ts";

/**
 * Deletes exhibits of one case at their vaults, once their retention has ended and a second person has approved it, and attests that
 * they are gone. Asked before it is requested, and again by the vault before it deletes: `refused` while locked or held.
 */
export async function disposeOf(context: TwoPersonContext, ids: readonly string[], signal: AbortSignal): Promise<Settlement> {
  const puts = await recordRefusal(context, "disposed", ids, async () => {
    const left = stillToGo(context, [...new Set(ids)]);
    for (const { id, put } of left) await demandEnded(context, id, put, signal);
    return left;
  });
  return settle(
    context,
    { act: "disposed", asked: {} },
    puts,
    async (put, stop) => {
      const vault = await context.vaultOf(put.vault);
      const before = await vault.attest(put, put.encoding, stop); // a crash may have come between the deletion and its record
      if (before.kind === "missing") return { ok: true, state: before, requestIds: [], text: before.text };
      const disposal = await vault.dispose(put, stop);
      const state = await vault.attest(put, put.encoding, stop);
      return { ok: state.kind === "missing", state, requestIds: disposal.requestIds, text: state.kind === "missing" ? state.text : disposal.text };
    },
    signal,
  );
}

/** Those that are gone already stay in the list where others are left: the same command again has to find its request. */
function stillToGo(context: TwoPersonContext, ids: readonly string[]): ReturnType<typeof putsOf> {
  const all = ids.map((id) => {
    const acts = [...context.reader.acts({ exhibit: id })];
    return { id, gone: keptOf(acts).kind === "nothing", kept: keptOf(acts.filter((act) => act.detail["change"] !== "disposed")) };
  });
  if (all.every(({ gone }) => gone)) return putsOf(context, ids); // which says what each is
  return all.flatMap(({ id, kept }) => (kept.kind === "stored" ? [{ id, put: kept.put }] : putsOf(context, [id])));
}

/** By our own promise and by what the store shows now, the later of the two. */
async function demandEnded(context: TwoPersonContext, id: string, put: StoredExhibit["put"], signal: AbortSignal): Promise<void> {
  const refuse = (why: string): HoldfastError => new HoldfastError("refused", `exhibit ${id} is not disposed of: ${why}`);
  const now = context.clock().getTime();
  if (put.asked.legalHold) throw refuse("it is under a legal hold");
  if (!(Date.parse(put.asked.retainUntil) <= now)) throw refuse(`it is kept until ${put.asked.retainUntil}`);
  const state = await (await context.vaultOf(put.vault)).attest(put, put.encoding, signal);
  if (state.kind === "unknown") throw new HoldfastError("vault", `exhibit ${id}: its lock cannot be read, so nothing is deleted: ${state.text}`);
  if (state.kind === "missing") return; // deleted before the store could answer, or by somebody else: the attestation will say so
  if (state.receipt.legalHold !== false) throw refuse(state.receipt.legalHold === null ? "its legal hold cannot be read" : "its store shows a legal hold");
  if (state.receipt.retainUntil !== null && !(Date.parse(state.receipt.retainUntil) <= now))
    throw refuse(`its store keeps it until ${state.receipt.retainUntil}`);
}
