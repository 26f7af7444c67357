import type { ActDraft, Tool } from "../../core/act.ts";
import { exhibitId, parseExhibitId } from "../../core/case.ts";
import { parseSha256, type Sha256, sha256OfBytes } from "../../core/digest.ts";
import { HoldfastError } from "../../core/error.ts";
import type { ClockQuality } from "../../core/ports.ts";
import type { ExhibitLink, Predicate } from "../format/predicate.ts";
import type { Store } from "../store/store.ts";

/** In place of a previous act. */
export const NO_PREVIOUS: Sha256 = parseSha256("0".repeat(64));
const MAX_RESERVE = 10_000;

/** What can be said of a draft without looking into the ledger. Throws `usage`. */
export function checkDraft(draft: ActDraft): void {
  const subject = `the act ${draft.act}`;
  if (!Number.isSafeInteger(draft.reserve) || draft.reserve < 0 || draft.reserve > MAX_RESERVE)
    throw new HoldfastError("usage", `${subject} reserves ${draft.reserve} exhibit numbers; 0 to ${MAX_RESERVE} can be`);
  if (draft.reserve > 0 && draft.case === null) throw new HoldfastError("usage", `${subject} reserves exhibit numbers of no case`);
  if (draft.lease !== null && draft.collection === null) throw new HoldfastError("usage", `${subject} has a lease and no collection`);
  // A leaf that says "signed" with nothing signed would be believed by whoever reads only the act: the writer says it, when it has signed.
  if (draft.actor.proof === "signed")
    throw new HoldfastError("usage", `${subject}: signing by the actor is the writer's work; a draft's proof is asserted or oidc`);
}

/** The entry that this draft would repeat, or null. A case is opened once, whatever `once` says. */
export function earlierEntry(store: Store, draft: ActDraft): number | null {
  const same = draft.once === null ? null : store.firstOf(draft.once);
  if (same !== null) return same;
  return draft.act === "case-opened" && draft.case !== null ? store.openingOf(draft.case) : null;
}

/** A worker that lost its lease must not write on: someone else has taken over. */
export function refuseStaleLease(store: Store, draft: ActDraft): void {
  if (draft.lease === null || draft.collection === null) return;
  const high = store.highestLease(draft.collection);
  if (high !== null && draft.lease < high)
    throw new HoldfastError(
      "refused",
      `collection ${draft.collection} has been taken over: lease ${draft.lease} is older than lease ${high}, so its ${draft.act} is not recorded; stop this worker`,
    );
}

/** The act as it will be signed for: with exhibit numbers and its place in each exhibit's chain. Looks into the open transaction. */
export function predicateOf(store: Store, draft: ActDraft, time: string, clock: ClockQuality, tool: Tool): Predicate {
  return {
    act: draft.act,
    actor: draft.actor,
    reason: draft.reason,
    authority: draft.authority,
    case: draft.case,
    collection: draft.collection,
    step: draft.step,
    target: draft.target,
    exhibits: [...draft.exhibits.map((id) => nextLink(store, draft, id)), ...reserved(store, draft)],
    digests: draft.digests,
    stored: draft.stored,
    requestIds: draft.requestIds,
    lease: draft.lease,
    once: draft.once,
    time,
    clock,
    tool,
    detail: draft.detail,
  };
}

function nextLink(store: Store, draft: ActDraft, id: string): ExhibitLink {
  const { caseId, number } = parseExhibitId(id);
  if (draft.case !== null && draft.case !== caseId) throw new HoldfastError("usage", `the act ${draft.act} is of case ${draft.case}, and ${id} is not`);
  const last = store.lastAct(caseId, number);
  if (last === null) throw new HoldfastError("usage", `there is no exhibit ${id}; holdfast exhibits lists what there is`);
  return { id, exhibit_seq: last.seq + 1, exhibit_prev: sha256OfBytes(last.leafHash) };
}

function reserved(store: Store, draft: ActDraft): readonly ExhibitLink[] {
  const caseId = draft.case;
  if (draft.reserve === 0 || caseId === null) return [];
  if (store.openingOf(caseId) === null) throw new HoldfastError("usage", `case ${caseId} was never opened; open it with holdfast case open ${caseId}`);
  const first = store.exhibitsOf(caseId) + 1;
  return Array.from({ length: draft.reserve }, (_, i) => ({ id: exhibitId(caseId, first + i), exhibit_seq: 0, exhibit_prev: NO_PREVIOUS }));
}
