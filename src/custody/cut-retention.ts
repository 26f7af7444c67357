import { HoldfastError } from "../core/error.ts";
import { recordRefusal } from "./record-refusal.ts";
import { putsOf, type Settlement, settle, type TwoPersonContext } from "./settle.ts";

/**
 * Shortens the retention of exhibits of one case, once a second person has approved exactly that date. Only a governance lock
 * gives way to anybody: `refused` for every other, before it is asked for, and that is an act. `until` is RFC 3339 UTC in whole seconds.
 */
export async function cutRetention(context: TwoPersonContext, ids: readonly string[], until: string, signal: AbortSignal): Promise<Settlement> {
  const puts = await recordRefusal(context, "retention-cut", ids, () => shortenable(context, ids, until));
  return settle(
    context,
    { act: "retention-cut", asked: { retainUntil: until } },
    puts,
    async (put, stop) => {
      const vault = await context.vaultOf(put.vault);
      const requestIds = await vault.shorten(put, until, stop);
      const state = await vault.attest({ ...put, asked: { ...put.asked, retainUntil: until } }, put.encoding, stop);
      return { ok: true, state, requestIds, text: state.kind === "present" ? state.receipt.text : state.text };
    },
    signal,
  );
}

async function shortenable(context: TwoPersonContext, ids: readonly string[], until: string): Promise<ReturnType<typeof putsOf>> {
  const puts = putsOf(context, ids);
  for (const { id, put } of puts) {
    const { mode } = await context.vaultOf(put.vault);
    if (mode !== "governance")
      throw new HoldfastError("refused", `exhibit ${id} is in a vault of mode ${mode}: only a governance lock can be shortened, so nobody is asked`);
    if (Date.parse(until) > Date.parse(put.asked.retainUntil))
      throw new HoldfastError("usage", `exhibit ${id} is kept until ${put.asked.retainUntil}; ${until} is later, use retain extend`);
  }
  return puts;
}
