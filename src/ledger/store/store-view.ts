import type { ActName } from "../../core/act.ts";
import { onceOf } from "../../core/two-persons.ts";
import { actorRegistry, type ActorRegistry } from "../actors/actor-registry.ts";
import type { CustodyView, SignedAct } from "../actors/custody-view.ts";
import { decodeLeaf } from "../format/leaf.ts";
import { signerOf } from "../actors/signer-of.ts";
import type { Store } from "./store.ts";

type Names = Pick<Store, "firstOf" | "leaf">;

/** The view of a store that grows. `refresh` takes in what was appended; `forget` when something was taken back. */
export type StoreView = CustodyView & { refresh(): void; forget(): void };

/** `below`: only what stands before this entry. */
export function storeView(store: Names, origin: string, below: number = Number.POSITIVE_INFINITY): StoreView {
  let actors: ActorRegistry = actorRegistry();
  let requests = 0;
  let transfers = 0;
  const exists = (name: string): number | null => {
    const seq = store.firstOf(name);
    return seq === null || seq >= below ? null : seq;
  };
  // Whoever holds the file can give any act any name, and leave the signature out: only the right act, rightly signed, counts.
  const find = (name: string, ...acts: readonly ActName[]): SignedAct | null => {
    const seq = exists(name);
    if (seq === null) return null;
    const leaf = store.leaf(seq);
    const act = decodeLeaf(seq, leaf, origin);
    const signer = act.actor.proof === "signed" ? signerOrNull(leaf) : null;
    return acts.includes(act.act) && (signer !== null || act.act === "transferred") ? { act, signer } : null;
  };
  const nextActorAct = (): SignedAct | null => find(onceOf.actor(actors.count()), "actor-enrolled", "actor-revoked");
  return {
    origin,
    get actors() {
      return actors;
    },
    requests: () => requests,
    request: (number) => find(onceOf.request(number), "requested"),
    approval: (number) => find(onceOf.approval(number), "approved"),
    isDone: (number) => actors.hasDone(number) || exists(onceOf.done(number)) !== null,
    transfers: () => transfers,
    transfer: (number) => find(onceOf.transfer(number), "transferred")?.act ?? null,
    refresh() {
      for (let next = nextActorAct(); next !== null; next = nextActorAct()) actors.take(next.act.seq, next.act);
      while (exists(onceOf.request(requests + 1)) !== null) requests += 1;
      while (exists(onceOf.transfer(transfers + 1)) !== null) transfers += 1;
    },
    forget() {
      actors = actorRegistry();
      requests = 0;
      transfers = 0;
    },
  };
}

function signerOrNull(leaf: Uint8Array): string | null {
  try {
    return signerOf(leaf)?.fingerprint ?? null;
  } catch {
    return null; // an audit says what is wrong with it; here it counts for nothing
  }
}
