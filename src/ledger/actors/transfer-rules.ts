import { onceOf } from "../../core/two-persons.ts";
import type { CustodyView, Fault, Judged } from "./custody-view.ts";

/** Custody passes when the receiver says so, and nobody says so for the receiver. */
export function transferFault(view: CustodyView, { act }: Judged): Fault | null {
  const number = act.detail["transfer"];
  if (act.act === "transferred") {
    const due = String(view.transfers() + 1);
    if (number !== due || act.once !== onceOf.transfer(due)) return fault(`it is not numbered ${due}, as the next transfer is`);
    return typeof act.detail["to"] === "string" && act.exhibits.length > 0 ? null : fault("it names no receiver or no exhibit");
  }
  if (act.act !== "acknowledged") return null;
  const transfer = typeof number === "string" ? view.transfer(number) : null;
  if (typeof number !== "string" || transfer === null) return fault(`there is no transfer ${JSON.stringify(number)}`);
  if (act.once !== onceOf.acknowledgement(number)) return fault(`it is not named ${onceOf.acknowledgement(number)}`);
  if (act.detail["hash"] !== transfer.leafHash) return fault(`transfer ${number} is not the one that is acknowledged: its hash is ${transfer.leafHash}`);
  if (act.actor.id !== transfer.detail["to"]) return fault(`transfer ${number} is to ${JSON.stringify(transfer.detail["to"])}, and only they acknowledge it`);
  return ids(act) === ids(transfer) ? null : fault(`it is not about the exhibits of transfer ${number}`);
}

function ids(act: { readonly exhibits: readonly { readonly id: string }[] }): string {
  return act.exhibits
    .map((e) => e.id)
    .sort()
    .join();
}

function fault(text: string): Fault {
  return { kind: "two-persons", text };
}
