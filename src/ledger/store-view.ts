import { onceOf } from "../core/two-persons.ts";
import { actorRegistry, type ActorRegistry } from "./actor-registry.ts";
import type { CustodyView, SignedAct } from "./custody-view.ts";
import { decodeLeaf, signatureOf } from "./leaf.ts";
import type { Store } from "./store.ts";

type Names = Pick<Store, "firstOf" | "leaf">;

/** The view of a store that grows. `refresh` takes in what was appended; `forget` when something was taken back. */
export type StoreView = CustodyView & { refresh(): void; forget(): void };

/** `below`: only what stands before this entry. */
export function storeView(store: Names, origin: string, below: number = Number.POSITIVE_INFINITY): StoreView {
  let actors: ActorRegistry = actorRegistry();
  let requests = 0;
  let transfers = 0;
  const find = (name: string): SignedAct | null => {
    const seq = store.firstOf(name);
    if (seq === null || seq >= below) return null;
    const leaf = store.leaf(seq);
    return { act: decodeLeaf(seq, leaf, origin), signer: signatureOf(leaf)?.signature.keyid ?? null };
  };
  return {
    origin,
    get actors() {
      return actors;
    },
    requests: () => requests,
    request: (number) => find(onceOf.request(number)),
    approval: (number) => find(onceOf.approval(number)),
    isDone: (number) => actors.hasDone(number) || find(onceOf.done(number)) !== null,
    transfers: () => transfers,
    transfer: (number) => find(onceOf.transfer(number))?.act ?? null,
    refresh() {
      for (let next = find(onceOf.actor(actors.count())); next !== null; next = find(onceOf.actor(actors.count()))) actors.take(next.act.seq, next.act);
      while (find(onceOf.request(requests + 1)) !== null) requests += 1;
      while (find(onceOf.transfer(transfers + 1)) !== null) transfers += 1;
    },
    forget() {
      actors = actorRegistry();
      requests = 0;
      transfers = 0;
    },
  };
}
