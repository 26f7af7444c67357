import type { CheckedDigest, FollowedLink } from "./check.ts";
import type { Place } from "./order.ts";

/** A digest of the chain that the bucket's listing names. */
export type Candidate = { readonly place: Place; readonly endMs: number };

/** `chain`: reached by a link, or the newest of what is left where a link ends; `stray`: the chain runs past it. */
export type WalkStep = CheckedDigest & { readonly way: "chain" | "stray" };

export type Walk = {
  /** Newest first. */
  readonly candidates: readonly Candidate[];
  readonly check: (place: Place, link: FollowedLink | null) => Promise<CheckedDigest>;
  /** When the hour of the digest of this key ended, or null where it is not a key of this chain. */
  readonly endMsOf: (key: string) => number | null;
  /** No link is followed out of a digest that begins before. Ms since 1970. */
  readonly sinceMs: number;
  /** Backfill digests overlap one another; only links between them count. */
  readonly backfill: boolean;
};

/**
 * From the newest digest back. Only a signed digest's link is followed: what an unsigned one says of its past is anybody's word,
 * so behind it, as behind a missing one, the walk goes on at the next older digest that is listed.
 */
export async function* walkDigests(walk: Walk): AsyncGenerator<WalkStep> {
  const seen = new Set<string>();
  const id = (place: Place): string => `${place.bucket}/${place.key}`;
  let link: (FollowedLink & { readonly endMs: number }) | null = null;
  let ended = false;
  let at = 0;
  for (;;) {
    let listed: Candidate | undefined = walk.candidates[at];
    while (listed !== undefined && seen.has(id(listed.place))) {
      at += 1;
      listed = walk.candidates[at];
    }
    // A digest of the listing that is newer than the one a link leads to lies beside the chain: two links cannot both be right.
    const passed: boolean = listed !== undefined && (ended || (link !== null && listed.endMs > link.endMs && id(listed.place) !== id(link.place)));
    if (listed !== undefined && passed) {
      seen.add(id(listed.place));
      yield { ...asStray(await walk.check(listed.place, null)), way: "stray" };
      continue;
    }
    const place: Place | undefined = link?.place ?? listed?.place;
    if (place === undefined) return;
    seen.add(id(place));
    const step = await walk.check(place, link);
    yield { ...step, way: "chain" };
    link = null;
    const { signed } = step;
    const previous = signed?.digest.previous ?? null;
    if (signed === null || previous === null || seen.has(id(previous.place))) continue;
    const endMs = walk.endMsOf(previous.place.key);
    if (walk.backfill && (endMs === null || endMs < walk.sinceMs)) continue;
    if (!walk.backfill && signed.digest.startMs < walk.sinceMs) ended = true;
    else link = { ...previous, by: signed.digest.place.key, endMs: endMs ?? signed.digest.startMs };
  }
}

function asStray(checked: CheckedDigest): CheckedDigest {
  if (checked.line.verdict !== "valid") return checked;
  return { ...checked, line: { ...checked.line, verdict: "forked", text: "CloudTrail signed it, but no digest after it leads to it" } };
}
