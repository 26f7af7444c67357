import type { Act, ActReceipt } from "../core/act.ts";
import { actDraft } from "../core/act-draft.ts";
import { HoldfastError } from "../core/error.ts";
import { onceOf } from "../core/two-persons.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { type Asking, withSecondPerson } from "./second-person.ts";
import { caseOf } from "./settle.ts";

export type HandOver = { readonly act: Act };
export type Released = { readonly kind: "waiting"; readonly request: CustodyRequest } | { readonly kind: "released"; readonly act: Act };

/** Gives exhibits of one case out of custody, to whom `to` names; needs a second person. The bytes leave with `fetch`. */
export async function release(asking: Asking, ids: readonly string[], to: string): Promise<Released> {
  const agreement = await withSecondPerson(asking, { act: "released", case: caseOf(ids), exhibits: ids, asked: { to } }, () => false);
  return agreement.kind === "waiting" ? agreement : { kind: "released", act: agreement.act };
}

/** Hands exhibits to another person, who has them only once they have acknowledged it. `to` is the id under which they sign. */
export async function transfer(asking: Asking, ids: readonly string[], to: string): Promise<HandOver> {
  if (to === asking.actor.id) throw new HoldfastError("usage", `--to ${to}: that is you; a transfer is to somebody else`);
  return append(asking, "transferred", { case: caseOf(ids), exhibits: ids }, { to, text: `to ${to}; complete with their signed acknowledgement` });
}

/** Signed by the receiver, about the newest transfer to them of exactly these exhibits. */
export async function acknowledge(asking: Asking, ids: readonly string[]): Promise<HandOver> {
  const wanted = [...ids].sort().join();
  let found: Act | null = null;
  for (let number = 1; ; number += 1) {
    const act = asking.reader.named(onceOf.transfer(number));
    if (act === null) break;
    const open = asking.reader.named(onceOf.acknowledgement(String(number))) === null;
    const same =
      act.exhibits
        .map((e) => e.id)
        .sort()
        .join() === wanted;
    if (open && same && act.detail["to"] === asking.actor.id) found = act;
  }
  const number = found?.detail["transfer"];
  if (found === null || typeof number !== "string")
    throw new HoldfastError(
      "usage",
      `nothing waits for ${asking.actor.id}: no open transfer to them is of exactly ${ids.join(", ")}; see \`holdfast custody ${ids[0] ?? ""}\``,
    );
  return append(asking, "acknowledged", { case: found.case, exhibits: found.exhibits.map((e) => e.id) }, { transfer: number, hash: found.leafHash });
}

/** Says that an act is wrong, and what is right. Nothing is changed: both stand in the record. */
export async function correct(asking: Asking, seq: number, text: string): Promise<HandOver> {
  const wrong = asking.reader.act(seq);
  const detail = { corrects: { seq: String(seq), leafHash: wrong.leafHash }, text };
  return append(asking, "corrected", { case: wrong.case, exhibits: wrong.exhibits.map((e) => e.id) }, detail);
}

async function append(
  asking: Asking,
  act: "transferred" | "acknowledged" | "corrected",
  about: { readonly case: string | null; readonly exhibits: readonly string[] },
  detail: Act["detail"],
): Promise<HandOver> {
  const { reason, authority } = asking;
  const receipts: readonly ActReceipt[] = await asking.recorder.append([actDraft(act, asking.actor, { ...about, reason, authority, detail })]);
  const seq = receipts[0]?.seq;
  if (seq === undefined) throw new HoldfastError("unexpected", `the ledger gave no receipt for ${act}`);
  return { act: asking.reader.act(seq) };
}
