import type { Act } from "../../core/act.ts";
import { isReservedName, onceOf } from "../../core/two-persons.ts";
import { actorRegistry } from "../actors/actor-registry.ts";
import { leafFault } from "../actors/custody-rules.ts";
import type { CustodyView, SignedAct } from "../actors/custody-view.ts";
import { signatureOf } from "../format/leaf.ts";
import type { Problems } from "./problems.ts";

/**
 * Every signature, and whether each act may stand where it stands: what the writer refuses, asked again of what is there, because
 * whoever holds the machine and the log's keys need not ask the writer. Acts that may not stand count for nothing afterwards.
 */
export type ActorAudit = {
  /** `signer` is the fingerprint of the key that made its signature, where that was verified before. */
  act(act: Act, leaf: Uint8Array, signer: string | null): void;
  /** Whether somebody of them was enrolled: then no act of theirs is unsigned. */
  anyEnrolled(ids: Iterable<string>): boolean;
};

export function auditActors(origin: string, problems: Problems): ActorAudit {
  const named = new Map<string, SignedAct>();
  const actors = actorRegistry();
  let requests = 0;
  let transfers = 0;
  const view: CustodyView = {
    origin,
    actors,
    requests: () => requests,
    request: (number) => named.get(onceOf.request(number)) ?? null,
    approval: (number) => named.get(onceOf.approval(number)) ?? null,
    isDone: (number) => actors.hasDone(number) || named.has(onceOf.done(number)),
    transfers: () => transfers,
    transfer: (number) => named.get(onceOf.transfer(number))?.act ?? null,
  };
  return {
    anyEnrolled(ids) {
      for (const id of ids) if (actors.firstOf(id) !== null) return true;
      return false;
    },
    act(act, leaf, signer) {
      const fault = leafFault(view, act, leaf, signer);
      if (fault !== null) {
        problems.add(fault.kind, act.seq, `entry ${act.seq} (${act.act} of ${act.actor.id}) may not stand there: ${fault.text}`);
        return;
      }
      if (!isReservedName(act.once)) return;
      if (act.act === "actor-enrolled" || act.act === "actor-revoked") actors.take(act.seq, act);
      else named.set(act.once, { act, signer: signatureOf(leaf)?.signature.keyid ?? null });
      if (act.act === "requested") requests += 1;
      if (act.act === "transferred") transfers += 1;
    },
  };
}
