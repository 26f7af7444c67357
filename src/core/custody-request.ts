import type { Json } from "./act.ts";
import type { TwoPersonAct } from "./two-persons.ts";

/** A wish for what needs two persons, and what has become of it. Numbers are decimal strings. */
export type CustodyRequest = {
  readonly request: string;
  readonly act: TwoPersonAct;
  readonly asked: Json;
  readonly case: string | null;
  readonly exhibits: readonly string[];
  readonly actor: string;
  readonly reason: string | null;
  readonly authority: string | null;
  readonly time: string;
  /** After this it is neither approved nor carried out. */
  readonly expires: string;
  /** Leaf hash of the request, which an approval names. */
  readonly hash: string;
  readonly state: "waiting" | "approved" | "done" | "expired";
  readonly approvedBy: string | null;
  readonly seq: number;
  /** The entry that carried it out. */
  readonly done: number | null;
};
