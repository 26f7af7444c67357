import type { AnchorCover, Assurance } from "../../core/verdict.ts";

/**
 * The strongest that was really checked: a timestamp says when, whatever all of us and the witnesses do later; a quorum of
 * witnesses saw one history. For how many entries, only `covers` says. What a mirror is worth depends on its lock, and is added there.
 */
export function assuranceOf(covers: readonly AnchorCover[], quorum: number): Assurance {
  if (covers.some(({ anchor }) => anchor.startsWith("rfc3161:"))) return "timestamped";
  return witnessedSize(covers, quorum) > 0 ? "witnessed" : "self";
}

/** The largest size that at least `quorum` witnesses vouch for: each vouches for every smaller one too. */
function witnessedSize(covers: readonly AnchorCover[], quorum: number): number {
  const sizes = covers.filter(({ anchor }) => anchor.startsWith("witness:")).map(({ size }) => size);
  return quorum === 0 ? 0 : (sizes.sort((a, b) => b - a)[quorum - 1] ?? 0);
}
