import type { Act } from "../../core/act.ts";
import type { LedgerProblem } from "../../core/verdict.ts";
import type { ActorRegistry } from "./actor-registry.ts";
import type { SshKey } from "./ssh-key.ts";

/** A request or an approval as it stands in the log, and the fingerprint of the key that signed it. */
export type SignedAct = { readonly act: Act; readonly signer: string | null };

/** What the log says before an act, as far as it decides whether the act may stand there. */
export type CustodyView = {
  readonly origin: string;
  readonly actors: ActorRegistry;
  /** How many requests there are: they are numbered from 1. */
  requests(): number;
  request(number: string): SignedAct | null;
  approval(number: string): SignedAct | null;
  isDone(number: string): boolean;
  /** How many transfers there are, numbered from 1 too. */
  transfers(): number;
  transfer(number: string): Act | null;
};

/** An act that is to be judged: before it gets its entry, or as it was found there. */
export type Judged = {
  readonly seq: number;
  readonly act: JudgedAct;
  /** Who signed, or would; null for nobody. */
  readonly key: SshKey | null;
};

export type JudgedAct = Omit<Act, "seq" | "leafHash" | "exhibits"> & { readonly exhibits: readonly { readonly id: string }[] };

/** Why an act may not stand where it is: a sentence for people. Null where it may. */
export type Fault = { readonly kind: Extract<LedgerProblem["kind"], "actor-signature" | "two-persons">; readonly text: string };
