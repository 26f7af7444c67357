import { putsOf, type Settlement, settle, type TwoPersonContext } from "./settle.ts";

/** Clears the legal hold of exhibits of one case, once a second person has approved that; retention stays. */
export async function clearHold(context: TwoPersonContext, ids: readonly string[], signal: AbortSignal): Promise<Settlement> {
  return settle(
    context,
    "hold-cleared",
    putsOf(context, ids),
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
