import { actDraft } from "../core/act-draft.ts";
import type { ActReceipt } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import type { Holder } from "../core/held.ts";
import { type Fetched, fetchExhibit } from "../custody/fetch-exhibit.ts";
import { demandKept, extendRetention, type LockChange, type LockContext, setHold } from "../custody/lock-acts.ts";
import { parseTarget } from "../core/target.ts";
import type { Services } from "./services.ts";

export type Why = { readonly reason: string; readonly authority: string | null };

/** What people do to exhibits and cases. */
export type Custodying = {
  /** Throws `usage` for the first of these that is no exhibit that somebody keeps. */
  demand(exhibits: readonly string[]): void;
  hold(exhibit: string, why: Why, signal: AbortSignal): Promise<LockChange>;
  extend(exhibit: string, until: string, why: Why, signal: AbortSignal): Promise<LockChange>;
  fetch(exhibit: string, out: string, why: Why, signal: AbortSignal): Promise<Fetched>;
  note(caseId: string, text: string): Promise<ActReceipt>;
};

export function custodying(services: Services): Custodying {
  const holderOf = async (target: string): Promise<Holder | null> => (await services.collector(parseTarget(target))).holder;
  const within = async <T>(why: Why, act: (context: LockContext) => Promise<T>): Promise<T> => {
    const reader = services.openReader();
    try {
      return await act({ reader, recorder: await services.recorder(), vaultOf: services.vault, holderOf, actor: services.actor, ...why });
    } finally {
      reader.close();
    }
  };
  return {
    demand: (exhibits) => services.reader((reader) => demandKept(reader, exhibits)),
    hold: (exhibit, why, signal) => within(why, (context) => setHold(context, exhibit, signal)),
    extend: (exhibit, until, why, signal) => within(why, (context) => extendRetention(context, exhibit, until, signal)),
    async fetch(exhibit, out, why, signal) {
      const { restoreInto } = await import("../verify/rehash.ts");
      return within(why, (context) => fetchExhibit({ ...context, random: services.random }, exhibit, out, restoreInto, signal));
    },
    async note(caseId, text) {
      if (services.reader((reader) => reader.case(caseId)) === null)
        throw new HoldfastError("usage", `there is no case ${caseId}; open it with \`holdfast case open ${caseId}\``);
      const recorder = await services.recorder();
      const [receipt] = await recorder.append([actDraft("note", services.actor, { case: caseId, detail: { text } })]);
      if (receipt === undefined) throw new HoldfastError("unexpected", "the ledger gave no receipt for the note");
      return receipt;
    },
  };
}
