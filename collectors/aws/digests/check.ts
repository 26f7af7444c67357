import { createHash } from "node:crypto";
import { type Digest, type DigestLink, parseDigestBytes } from "./file.ts";
import type { KeyRing } from "./keys.ts";
import type { DigestLine, DigestVerdict } from "./line.ts";
import { parseCloudTrailTime, parseDigestKey } from "./names.ts";
import type { ChainOrder, ChainReader, Place } from "./order.ts";
import { signatureFits, signedString } from "./signature.ts";
import { unpackOne } from "./unpack.ts";

/** A digest with CloudTrail's signature, of this chain, in its place: what it says may be believed. */
export type SignedDigest = { readonly digest: Digest; readonly sha256: string; readonly signature: string };

export type CheckedDigest = { readonly line: DigestLine; readonly signed: SignedDigest | null };

/** `link` is what the digest after it says of it; `by` is that digest's key. */
export type FollowedLink = DigestLink & { readonly by: string };

const hourMs = 3_600_000;

export async function checkDigest(
  order: ChainOrder,
  reader: ChainReader,
  keys: KeyRing,
  place: Place,
  link: FollowedLink | null,
  signal: AbortSignal,
): Promise<CheckedDigest> {
  const name = parseDigestKey(order, place.key);
  const backfill = name?.backfill ?? false;
  const not = (verdict: DigestVerdict, text: string): CheckedDigest => ({
    line: { kind: "digest", ...place, backfill, verdict, text, covers: null, logs: null },
    signed: null,
  });
  const stored = await reader.digest(place, signal);
  if (stored.kind === "missing")
    return not("missing", link === null ? "it was listed and is not there" : `the digest after it names it, and it is not there: ${link.by}`);
  if (stored.kind === "denied") return not("denied", `it could not be read: ${stored.reason}`);

  const pieces: Uint8Array[] = [];
  const hash = createHash("sha256");
  const take = (piece: Uint8Array): void => {
    pieces.push(piece);
    hash.update(piece);
  };
  const unpacked = await unpackOne(stored.body, order.limits.digestBytes, take, signal);
  if (unpacked.kind !== "unpacked") return not(unpacked.kind, unpacked.why);
  const sha256 = hash.digest("hex");
  // The digest after it is signed, and holds the hash of this one: worth saying where only the object's metadata were lost.
  const vouched = link !== null && link.sha256 === sha256 ? "; its content is what the digest after it names" : "";

  const parsed = parseDigestBytes(Buffer.concat(pieces, unpacked.bytes));
  if (parsed.kind === "malformed") return not("malformed", parsed.why);
  const { digest } = parsed;
  if (digest.place.bucket !== place.bucket || digest.place.key !== place.key)
    return not("moved", `by its own word it belongs at ${digest.place.bucket}/${digest.place.key}${vouched}`);
  if (name === null || digest.account !== order.account) return not("foreign", "it is a digest of another trail, account or region");

  const { signature, "signature-algorithm": algorithm, "backfill-generation-timestamp": generated } = stored.metadata;
  if (signature === undefined || algorithm === undefined) return not("no-signature", `its object has no signature metadata${vouched}`);
  if (algorithm !== "SHA256withRSA") return not("bad-signature", `its signature-algorithm metadata is not SHA256withRSA${vouched}`);
  const madeMs = backfill ? parseCloudTrailTime(generated ?? "") : digest.endMs;
  if (madeMs === null) return not("malformed", "its object has no backfill-generation-timestamp metadata, which a backfill digest has");
  // An hourly digest is signed some minutes after its hour; the time of a backfill digest is only the metadata's word.
  const choice = keys(digest.fingerprint, backfill ? madeMs - hourMs : madeMs, madeMs + (backfill ? hourMs : 2 * hourMs));
  if (choice.kind !== "key") return not(choice.kind, choice.why + vouched);
  if (!signatureFits(signature, choice.key, signedString(digest, sha256))) return not("bad-signature", `its signature does not fit${vouched}`);

  const relinked = link !== null && (link.sha256 !== sha256 || link.signature !== signature);
  const text = relinked ? `CloudTrail signed it, but the digest after it follows another one: ${link.by}` : null;
  const covers = { since: new Date(digest.startMs).toISOString(), until: new Date(digest.endMs).toISOString() };
  return {
    line: { kind: "digest", ...place, backfill, verdict: relinked ? "relinked" : "valid", text, covers, logs: digest.logs.length },
    signed: { digest, sha256, signature },
  };
}
