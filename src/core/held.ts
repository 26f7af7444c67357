import type { Json } from "./act.ts";
import type { Retention } from "./lock.ts";
import type { ObjectState } from "./vault.ts";

/** Evidence that its provider keeps in place under a lock of its own: a locked snapshot. There are no bytes, and so no digest, until an image of it is taken. */
export type Held = {
  readonly provider: string;
  /** The provider's own id (an ARN). */
  readonly uri: string;
  /** Size of what is held, in bytes (of a snapshot: of its volume). */
  readonly bytes: number;
  /** What its lock was asked to be; `mode` is `snapshot`. */
  readonly asked: Retention;
  /** Whatever the provider needs to find it again. */
  readonly reference: Json;
};

export type HeldExhibit = {
  readonly name: string;
  readonly held: Held;
  /** What a person must know beside the outcome; null where nothing. */
  readonly detail: string | null;
  /** Whether it is all that was asked. */
  readonly outcome: "collected" | "truncated";
  readonly requestIds: readonly string[];
};

export interface Holder {
  /** Reads back existence, lock and end date from the provider. Never assumes; never throws for what the provider says. */
  attest(held: Held, signal: AbortSignal): Promise<ObjectState>;
  /** Later only, as Vault.extend. Gives the request ids. */
  extend(held: Held, retainUntil: string, signal: AbortSignal): Promise<readonly string[]>;
}
