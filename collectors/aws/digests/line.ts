import type { Window } from "../../../src/core/window.ts";

/** What can be said of something that was checked. `unverifiable` is neither good nor bad: nobody could look. */
export type Standing = "valid" | "invalid" | "unverifiable";

export type DigestVerdict =
  | "valid"
  /** A digest after it names it, and it is not there. */
  | "missing"
  /** No gzip file, or one with more or less in it than one member. */
  | "damaged"
  | "malformed"
  /** Not where it says that it lies. */
  | "moved"
  /** Of another trail, account or region, though it lies or is named where one of this chain should be. */
  | "foreign"
  | "no-signature"
  | "bad-signature"
  /** Signed, but not the one that the digest after it follows. */
  | "relinked"
  /** Signed and of this trail, but the chain runs past it. */
  | "forked"
  | "denied"
  | "too-large"
  | "key-unknown"
  | "key-out-of-time"
  | "key-unusable";

export type LogVerdict =
  | "valid"
  | "altered"
  | "missing"
  | "damaged"
  /** Listed, and no digest names it, though digests cover its time. */
  | "added"
  /** Listed, named by no digest, and of the name of one that is missing from its place. */
  | "moved"
  | "denied"
  | "too-large"
  /** Listed, and no digest names it, in a time that no valid digest covers. */
  | "uncovered";

export type DigestLine = {
  readonly kind: "digest";
  readonly bucket: string;
  readonly key: string;
  readonly backfill: boolean;
  readonly verdict: DigestVerdict;
  /** Why it is not valid; null for a valid one. */
  readonly text: string | null;
  /** The hour that it covers and the log files that it names; null where its own word for that cannot be trusted. */
  readonly covers: Window | null;
  readonly logs: number | null;
};

export type LogLine = {
  readonly kind: "log";
  readonly bucket: string;
  readonly key: string;
  readonly verdict: LogVerdict;
  readonly text: string | null;
  /** The key of the digest that names it, or null where none does. */
  readonly digest: string | null;
};

/** A part of the window that no signed digest covers. */
export type UncoveredLine = {
  readonly kind: "uncovered";
  readonly window: Window;
  /** `hole`: between two digests; `restart`: before a starting digest; `newest`, `oldest`: at an end of the window; `all`: no digest at all. */
  readonly where: "hole" | "restart" | "newest" | "oldest" | "all";
  readonly text: string;
};

/** A starting digest with an older one before it: the chain says nothing of what lay between. */
export type RestartLine = { readonly kind: "restart"; readonly bucket: string; readonly key: string; readonly at: string; readonly text: string };

/** The last line. Counts of named log files, and apart from them of those that no digest names. */
export type SummaryLine = {
  readonly kind: "summary";
  readonly trail: string;
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
  readonly asked: Window;
  /** From the oldest to the newest signed digest, cut to the window; holes are lines of their own. */
  readonly covered: Window | null;
  readonly verdict: Standing;
  readonly digests: Readonly<Record<Standing, number>>;
  readonly logs: Readonly<Record<Standing, number>>;
  readonly unnamed: Readonly<Record<"added" | "moved" | "uncovered", number>> | null;
  readonly uncovered: number;
  readonly restarts: number;
  readonly text: string;
};

/** One line of the report, in the order in which the chain was walked: newest digest first, each followed by its log files. */
export type ChainLine = DigestLine | LogLine | UncoveredLine | RestartLine | SummaryLine;

const unverifiable: readonly (DigestVerdict | LogVerdict)[] = ["denied", "too-large", "key-unknown", "key-out-of-time", "key-unusable", "uncovered"];

export function standingOf(verdict: DigestVerdict | LogVerdict): Standing {
  if (verdict === "valid") return "valid";
  return unverifiable.includes(verdict) ? "unverifiable" : "invalid";
}
