import { HoldfastError } from "../core/error.ts";
import { recordRefusal } from "./record-refusal.ts";
import { keptExhibit } from "./stored-exhibit.ts";
import { putsOf, type Settlement, settle, type TwoPersonContext } from "./settle.ts";

/** Clears the legal hold of exhibits of one case, once a second person has approved that; retention stays. */
export async function clearHold(context: TwoPersonContext, ids: readonly string[], signal: AbortSignal): Promise<Settlement> {
  const puts = await recordRefusal(context, "hold-cleared", ids, () => putsOf(context, ids));
  // All of them: where some were left by a crash, the same command again has to find its request.
  if (puts.every(({ id, put }) => !put.asked.legalHold && isSettled(context, id)))
    throw new HoldfastError("usage", `${ids.join(" ")}: no legal hold of ours is on, there is nothing to clear`);
  return settle(
    context,
    { act: "hold-cleared", asked: {} },
    puts,
    async (put, stop) => {
      const vault = await context.vaultOf(put.vault);
      const requestIds = await vault.hold(put, false, stop);
      const state = await vault.attest({ ...put, asked: { ...put.asked, legalHold: false } }, put.encoding, stop);
      const off = state.kind === "present" && state.receipt.legalHold === false;
      return { ok: off, state, requestIds, text: state.kind === "present" ? state.receipt.text : state.text };
    },
    signal,
  );
}

/** Whether the last clearing, if there was one, was answered by the store: one that was cut short is gone on with. */
function isSettled(context: TwoPersonContext, id: string): boolean {
  const { acts } = keptExhibit(context.reader, id);
  const last = acts.findLast((act) => act.act === "hold-cleared");
  return (
    last === undefined || acts.some((act) => act.act === "changed" && act.detail["request"] === last.detail["request"] && act.detail["outcome"] === "done")
  );
}
