import { HoldfastError } from "./error.ts";
import type { ActDraft, ActName, Actor } from "./act.ts";

/** A draft with everything empty that an act may leave empty. */
export function actDraft(act: ActName, actor: Actor, fields: Partial<Omit<ActDraft, "act" | "actor">>): ActDraft {
  bounded("reason", fields.reason ?? null);
  bounded("authority", fields.authority ?? null);
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

/** A leaf holds 64 KiB, and the reason stands in every act of a collection: what fits the first act must fit the last. Bytes. */
const textLimit = 4096;

function bounded(field: string, text: string | null): void {
  if (text !== null && Buffer.byteLength(text) > textLimit)
    throw new HoldfastError(
      "usage",
      `${field}: ${Buffer.byteLength(text)} bytes are more than the ${textLimit} that every act can hold; shorten it, and keep the rest as a note or a file`,
    );
}
