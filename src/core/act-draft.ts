import type { ActDraft, ActName, Actor } from "./act.ts";

/** A draft with everything empty that an act may leave empty. */
export function actDraft(act: ActName, actor: Actor, fields: Partial<Omit<ActDraft, "act" | "actor">>): ActDraft {
  return {
    act,
    actor,
    reason: null,
    authority: null,
    case: null,
    collection: null,
    step: null,
    target: null,
    exhibits: [],
    reserve: 0,
    digests: {},
    stored: null,
    requestIds: [],
    lease: null,
    once: null,
    detail: {},
    ...fields,
  };
}
