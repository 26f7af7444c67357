import { hash } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { AlgorithmIdentifier } from "@peculiar/asn1-x509";
import { MessageImprint, TimeStampReq } from "@peculiar/asn1-tsp";
import { describeError, HoldfastError } from "../../core/error.ts";
import type { Clock, Fetch, Random } from "../../core/ports.ts";
import { boundedPost } from "../anchors/bounded-post.ts";
import { formatArchive, parseArchive } from "./timestamp-archive.ts";
import { fetchRevocation, revokedAt } from "./timestamp-revocation.ts";
import type { TimestampTrust } from "./timestamp-chain.ts";
import { type CheckedToken, checkToken } from "./timestamp-token.ts";

/** A timestamp authority (RFC 3161 over HTTP, §3.4). `policy` null accepts any of its policies. */
export type Authority = { readonly name: string; readonly url: string; readonly policy: string | null; readonly trust: TimestampTrust };

export type TimestampOutcome =
  | { readonly kind: "stamped"; readonly bytes: Buffer; readonly time: Date; readonly revocation: string }
  /** It answered, and its answer does not hold: it is damaged, replayed, misconfigured or lying. */
  | { readonly kind: "misconfigured"; readonly text: string }
  | { readonly kind: "broken"; readonly text: string };

const SHA_256 = "2.16.840.1.101.3.4.2.1";
const LIMITS = { ms: 15_000, bytes: 1 << 18 };
/** A token of another time than ours would bracket the acts wrongly, if the authority's clock or its old key is in other hands. */
const MAX_SKEW_MS = 10 * 60_000;

/** Has the note stamped and checks the token whole before it counts. Throws only the reason of `signal`. */
export async function timestamp(
  authority: Authority,
  note: Buffer,
  around: { fetch: Fetch; random: Random; clock: Clock },
  signal: AbortSignal,
): Promise<TimestampOutcome> {
  const imprint = hash("sha256", note, "buffer");
  const nonce = positive(Buffer.from(around.random(8)));
  const query = Buffer.from(AsnConvert.serialize(queryOf(imprint, nonce, authority.policy)));
  const answer = await boundedPost(around.fetch, { url: authority.url, type: "application/timestamp-query", body: query }, LIMITS, signal);
  if (answer.kind === "silent") return { kind: "broken", text: answer.text };
  if (answer.status !== 200)
    return { kind: "broken", text: `it answered ${answer.status}: ${answer.body.toString("utf8").trim().split("\n")[0]?.slice(0, 120) ?? ""}` };
  try {
    const checked = checkToken(answer.body, { imprint, nonce, policy: authority.policy }, [], authority.trust);
    const skew = Math.abs(checked.genTime.getTime() - around.clock().getTime());
    if (skew > MAX_SKEW_MS)
      return {
        kind: "misconfigured",
        text: `it states ${checked.genTime.toISOString()}, ${Math.round(skew / 1000)} s from this machine's clock; one of the two is wrong`,
      };
    const { crls, text } = await fetchRevocation(checked.chain, around.fetch, checked.genTime, signal);
    const revoked = revokedAt(checked.chain, crls, checked.genTime);
    if (revoked !== null) return { kind: "misconfigured", text: revoked };
    const bytes = formatArchive({ note, response: answer.body, chain: checked.chain, crls, revocation: text });
    return { kind: "stamped", bytes, time: checked.genTime, revocation: text };
  } catch (error) {
    if (error instanceof HoldfastError) return { kind: "misconfigured", text: describeError(error) };
    throw error;
  }
}

/** Checks an archived timestamp, years later: at the time that it states, against the roots that are trusted now. Throws as checkToken does. */
export function checkArchived(authority: Authority, bytes: Uint8Array): CheckedToken & { readonly note: Buffer } {
  const archive = parseArchive(bytes);
  const imprint = hash("sha256", archive.note, "buffer");
  const checked = checkToken(archive.response, { imprint, nonce: null, policy: authority.policy }, archive.chain, authority.trust);
  const revoked = revokedAt(checked.chain, archive.crls, checked.genTime);
  if (revoked !== null) throw new HoldfastError("unverifiable", `the archived timestamp does not count: ${revoked}`);
  return { ...checked, note: archive.note };
}

function queryOf(imprint: Buffer, nonce: Buffer, policy: string | null): TimeStampReq {
  const hashAlgorithm = new AlgorithmIdentifier({ algorithm: SHA_256, parameters: null });
  return new TimeStampReq({
    messageImprint: new MessageImprint({ hashAlgorithm, hashedMessage: new OctetString(imprint) }),
    nonce: Uint8Array.from(nonce).buffer,
    certReq: true,
    ...(policy === null ? {} : { reqPolicy: policy }),
  });
}

/** As a DER INTEGER it must not be negative, nor begin with a zero byte: the answer is compared byte by byte. */
function positive(bytes: Buffer): Buffer {
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}
