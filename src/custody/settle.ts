import type { Act, ActReceipt } from "../core/act.ts";
import { actDraft } from "../core/act-draft.ts";
import { HoldfastError } from "../core/error.ts";
import type { ObjectState, Receipt } from "../core/vault.ts";
import type { LockContext } from "./lock-acts.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { keptExhibit, type StoredExhibit } from "./stored-exhibit.ts";
import { type Agreement, type TwoPersonWish, withSecondPerson } from "./second-person.ts";
import type { Clock } from "../core/ports.ts";

export type TwoPersonContext = LockContext & { readonly clock: Clock };

/** What a store answered for one exhibit after what two persons agreed to. `receipt` is null where nothing is there any more. */
export type Settled = { readonly exhibit: string; readonly ok: boolean; readonly receipt: Receipt | null; readonly text: string; readonly act: ActReceipt };
export type Settlement = { readonly kind: "waiting"; readonly request: CustodyRequest } | { readonly kind: "settled"; readonly changes: readonly Settled[] };

export type SettledWish = { readonly act: "hold-cleared" | "retention-cut" | "disposed"; readonly asked: TwoPersonWish["asked"] };

/** Does it at the store and says what that answered. `ok: false`: the store did not do it. */
export type AtStore = (
  put: StoredExhibit["put"],
  signal: AbortSignal,
) => Promise<{ readonly ok: boolean; readonly state: ObjectState; readonly requestIds: readonly string[]; readonly text: string }>;

/**
 * The act that two persons agreed to comes first, so that what the ledger refuses is never done; then each exhibit is changed at its
 * store, and `changed` says what the store shows. A crash between leaves exhibits without their `changed`: the same command again
 * goes on with those.
 */
export async function settle(
  context: TwoPersonContext,
  { act, asked }: SettledWish,
  puts: readonly { readonly id: string; readonly put: StoredExhibit["put"] }[],
  atStore: AtStore,
  signal: AbortSignal,
): Promise<Settlement> {
  const ids = puts.map(({ id }) => id);
  const caseId = caseOf(ids);
  const agreement: Agreement = await withSecondPerson(context, { act, case: caseId, exhibits: ids, asked }, (request) =>
    request.exhibits.some((id) => answerOf(context, id, request.request) === null),
  );
  if (agreement.kind === "waiting") return agreement;
  const { request } = agreement.request;
  const changes: Settled[] = [];
  for (const { id, put } of puts) {
    if (answerOf(context, id, request) !== null) continue;
    const { ok, state, requestIds, text } = await atStore(put, signal);
    const receipt = state.kind === "present" ? state.receipt : null;
    const [written] = await context.recorder.append([
      actDraft("changed", context.actor, {
        case: caseId,
        exhibits: [id],
        reason: context.reason,
        authority: context.authority,
        stored: receipt,
        requestIds: [...requestIds, ...(receipt?.requestIds ?? [])].slice(0, 20),
        detail: { change: act, request, outcome: ok ? "done" : "failed", text: text.slice(0, 2000) },
      }),
    ]);
    if (written === undefined) throw new HoldfastError("unexpected", `${act} ${id}: the ledger gave no receipt`);
    changes.push({ exhibit: id, ok, receipt, text, act: written });
  }
  return { kind: "settled", changes };
}

/** One request is about one case: its approver sees what belongs together. */
export function caseOf(ids: readonly string[]): string {
  const cases = new Set(ids.map((id) => id.slice(0, id.lastIndexOf("/"))));
  const [first] = cases;
  if (first === undefined || cases.size > 1) throw new HoldfastError("usage", `name exhibits of one case; these are of ${[...cases].join(", ") || "none"}`);
  return first;
}

/** The exhibits that have bytes in a vault. Throws `usage` for any other. */
export function putsOf(context: Pick<LockContext, "reader">, ids: readonly string[]): readonly { readonly id: string; readonly put: StoredExhibit["put"] }[] {
  return [...new Set(ids)].map((id) => {
    const { kept } = keptExhibit(context.reader, id);
    if (kept.kind === "held")
      throw new HoldfastError("refused", `exhibit ${id} is held in place by ${kept.held.provider} as ${kept.held.uri}, and is no object of a vault`);
    return { id, put: kept.put };
  });
}

function answerOf(context: TwoPersonContext, id: string, request: string): Act | null {
  for (const act of context.reader.acts({ exhibit: id }))
    if (act.act === "changed" && act.detail["request"] === request && act.detail["outcome"] === "done") return act;
  return null;
}
