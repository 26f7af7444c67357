import type { ActName } from "./act.ts";

/** What nobody may do alone (design.md). Each is recorded before it is done, so that what the ledger refuses was not done. */
export type TwoPersonAct = Extract<
  ActName,
  "hold-cleared" | "released" | "retention-cut" | "disposed" | "unredacted-exported" | "key-rotated" | "actor-enrolled" | "actor-revoked"
>;
export const twoPersonActs: readonly TwoPersonAct[] = [
  "hold-cleared",
  "released",
  "retention-cut",
  "disposed",
  "unredacted-exported",
  "key-rotated",
  "actor-enrolled",
  "actor-revoked",
];

export function isTwoPersonAct(name: unknown): name is TwoPersonAct {
  return twoPersonActs.some((act) => act === name);
}

/** The id under which this program itself records that it refused something. Nobody can be enrolled under it. */
export const WRITER_ID = "holdfast";

/** A request can be approved and carried out for so long. */
export const REQUEST_HOURS = 72;

/** Names of `once` that only the ledger gives: they number enrolments, requests and transfers, and let each approval be used once. */
export const onceOf: {
  readonly actor: (count: number) => string;
  readonly request: (number: string | number) => string;
  readonly approval: (number: string) => string;
  readonly done: (number: string) => string;
  readonly transfer: (number: string | number) => string;
  readonly acknowledgement: (number: string) => string;
} = {
  actor: (count) => `actors/${count}`,
  request: (number) => `request/${number}`,
  approval: (number) => `request/${number}/approved`,
  done: (number) => `request/${number}/done`,
  transfer: (number) => `transfer/${number}`,
  acknowledgement: (number) => `transfer/${number}/acknowledged`,
};

export function isReservedName(once: string | null): once is string {
  return once !== null && /^(actors|request|transfer)\//.test(once);
}
