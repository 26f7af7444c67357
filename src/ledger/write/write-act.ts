import type { ActorSigner } from "../../core/actor-signer.ts";
import type { ActDraft, ActReceipt, Tool } from "../../core/act.ts";
import { sha256OfBytes } from "../../core/digest.ts";
import type { Clock, ClockQuality } from "../../core/ports.ts";
import { isReservedName } from "../../core/two-persons.ts";
import { earlierEntry, predicateOf, refuseStaleLease } from "./draft.ts";
import { pass, refusalOf, type RefusedAct, withName } from "../actors/gate.ts";
import { decodeLeaf, encodeLeaf, envelopeOf, type LeafSignature } from "../format/leaf.ts";
import type { Hash } from "../format/merkle.ts";
import type { Predicate } from "../format/predicate.ts";
import type { Store } from "../store/store.ts";
import type { StoreView } from "../store/store-view.ts";

export type ActWriter = {
  readonly store: Store;
  readonly view: StoreView;
  readonly origin: string;
  readonly clock: Clock;
  readonly clockQuality: ClockQuality;
  readonly tool: Tool;
  readonly signer?: ActorSigner | null;
};
export type Recorded = Omit<ActReceipt, "checkpoint">;

/** Inserts one act into the open transaction: at once, or after its actor has signed it. Throws RefusedAct for what the rules refuse. */
export function writeAct(writer: ActWriter, asked: ActDraft, seq: number, hashes: Hash[], nonce: Uint8Array): Recorded | Promise<Recorded> {
  const { store, view } = writer;
  refuseStaleLease(store, asked);
  const earlier = earlierEntry(store, asked);
  if (earlier !== null) {
    const act = decodeLeaf(earlier, store.leaf(earlier), writer.origin);
    return { seq: earlier, leafHash: act.leafHash, exhibits: act.exhibits.map((e) => e.id) };
  }
  const { predicate, payload, sign } = pass(view, timedPredicate(writer, withName(view, asked)), seq, writer.signer ?? null);
  const write = (signatures: readonly LeafSignature[]): Recorded => {
    const leaf = envelopeOf(predicate.act, payload, nonce, signatures);
    store.insert(seq, leaf, predicate);
    if (isReservedName(predicate.once)) view.refresh();
    hashes.push(leaf.hash);
    return { seq, leafHash: sha256OfBytes(leaf.hash), exhibits: predicate.exhibits.map((e) => e.id) };
  };
  return sign === null ? write([]) : sign().then((signature) => write([signature]));
}

/** Inserts the act that says so. */
export function writeRefusal(writer: ActWriter, refused: RefusedAct, seq: number, nonce: Uint8Array): Hash {
  const predicate = timedPredicate(writer, refusalOf(writer.store, refused));
  const leaf = encodeLeaf(writer.origin, predicate, nonce);
  writer.store.insert(seq, leaf, predicate);
  return leaf.hash;
}

function timedPredicate(writer: ActWriter, draft: ActDraft): Predicate {
  return predicateOf(writer.store, draft, isoTime(writer.clock().getTime()), writer.clockQuality, writer.tool);
}

const last = { ms: Number.NaN, text: "" };

/** Many acts have the same millisecond. */
function isoTime(ms: number): string {
  if (ms !== last.ms) Object.assign(last, { ms, text: new Date(ms).toISOString() });
  return last.text;
}
