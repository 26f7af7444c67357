import type { ActName } from "../core/act.ts";
import { actDraft } from "../core/act-draft.ts";
import { parseExhibitId } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import { WRITER_ID } from "../core/two-persons.ts";
import type { LockContext } from "./lock-acts.ts";

/** A leaf has room for these. */
const MAX_NAMED = 100;
const MAX_TEXT = 2_000;

type Refusing = Pick<LockContext, "reader" | "recorder" | "actor" | "reason" | "authority">;

/**
 * Looks whether an act may be tried at all. What is refused here never reaches the ledger's own rules, and is an act all the same:
 * who tries to shorten what nobody may shorten is to be found (facts/legal.md §7). `look` itself must append nothing.
 */
export async function recordRefusal<T>(context: Refusing, act: ActName, ids: readonly string[], look: () => T | Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "refused") throw error;
    const there = [...new Set(ids)].filter((id) => [...context.reader.acts({ exhibit: id })].length > 0);
    const cases = new Set(there.map((id) => parseExhibitId(id).caseId));
    const [receipt] = await context.recorder.append([
      actDraft(
        "refused",
        { id: WRITER_ID, kind: "machine", proof: "asserted" },
        {
          case: cases.size === 1 ? ([...cases][0] ?? null) : null,
          exhibits: there.slice(0, MAX_NAMED),
          reason: context.reason,
          authority: context.authority,
          detail: { act, actor: { id: context.actor.id, kind: context.actor.kind }, key: null, request: null, text: error.message.slice(0, MAX_TEXT) },
        },
      ),
    ]);
    if (receipt === undefined) throw new HoldfastError("unexpected", `the ledger gave no receipt for the refusal of ${act}`, error);
    throw new HoldfastError("refused", `${error.message} (recorded as act ${receipt.seq})`, error);
  }
}
