import type { LockMode, LockWorth } from "./lock.ts";
import type { ExhibitVerdict, VerifyMethod } from "./verdict.ts";

/** One exhibit as contract.md's `verify --json` shows it. */
export type ExhibitCheck = {
  readonly id: string;
  readonly verdict: ExhibitVerdict;
  readonly method: VerifyMethod;
  /** Hex; null where no digest was recorded or none was found. */
  readonly recorded: string | null;
  readonly found: string | null;
  readonly lock: {
    readonly lock: LockWorth;
    readonly mode: LockMode | null;
    readonly retainUntil: string | null;
    readonly legalHold: boolean | null;
    readonly asRecorded: boolean;
  } | null;
  readonly text: string;
};

export type OverallVerdict = "intact" | "altered" | "missing" | "rollback" | "fork" | "unverifiable";
