import type { Window } from "../../../src/core/window.ts";
import type { Digest } from "./file.ts";
import type { UncoveredLine } from "./line.ts";

const hourMs = 3_600_000;

/** Keeps account of the time that signed digests cover, newest first, and says what lies between them. */
export type DigestCoverage = {
  /** The hole between this digest and those before it in the walk, if there is one in the window. */
  add(digest: Digest): UncoveredLine | null;
  /** What is left uncovered at the old end. To be called once, after the last. */
  end(): UncoveredLine | null;
  /** Whether every moment between the two, ms since 1970, is covered. */
  covers(fromMs: number, untilMs: number): boolean;
  /** From the oldest to the newest, cut to the window; null where nothing of it is covered. */
  span(): Window | null;
};

export function digestCoverage(window: Window, listedAt: string): DigestCoverage {
  const [sinceMs, untilMs, listedMs] = [Date.parse(window.since), Date.parse(window.until), Date.parse(listedAt)];
  const holes: { readonly fromMs: number; readonly untilMs: number }[] = [];
  let newest: Digest | null = null;
  let oldest: Digest | null = null;
  const hole = (fromMs: number, toMs: number, where: UncoveredLine["where"], text: string): UncoveredLine | null => {
    if (fromMs >= toMs) return null;
    holes.push({ fromMs, untilMs: toMs });
    const [from, to] = [Math.max(fromMs, sinceMs), Math.min(toMs, untilMs)];
    if (from >= to) return null;
    return { kind: "uncovered", window: { since: new Date(from).toISOString(), until: new Date(to).toISOString() }, where, text };
  };
  return {
    add: (digest) => {
      const later = oldest;
      newest ??= digest;
      if (oldest === null || digest.startMs < oldest.startMs) oldest = digest;
      if (later === null) {
        const due = digest.endMs + 2 * hourMs <= listedMs;
        const hours = Math.ceil((untilMs - digest.endMs) / hourMs);
        return hole(
          digest.endMs,
          Infinity,
          "newest",
          `${hours} hourly digest(s) are not there${due ? "" : "; they may not have been delivered yet when the bucket was listed"}`,
        );
      }
      return later.previous === null
        ? hole(digest.endMs, later.startMs, "restart", "the digest after it starts a new chain: logging or validation was off, or digests were deleted")
        : hole(digest.endMs, later.startMs, "hole", "no valid digest covers it");
    },
    end: () => {
      if (oldest === null) return hole(-Infinity, Infinity, "all", "no valid digest of the trail was found");
      const starts =
        oldest.previous === null
          ? "the oldest digest starts its chain: logging or validation was off before it, or digests were deleted"
          : "no valid digest covers it";
      return hole(-Infinity, oldest.startMs, "oldest", starts);
    },
    covers: (fromMs, toMs) => holes.every((gap) => gap.untilMs <= fromMs || gap.fromMs >= toMs),
    span: () => {
      if (newest === null || oldest === null) return null;
      const [from, to] = [Math.max(oldest.startMs, sinceMs), Math.min(newest.endMs, untilMs)];
      return from < to ? { since: new Date(from).toISOString(), until: new Date(to).toISOString() } : null;
    },
  };
}
