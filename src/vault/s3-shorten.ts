import { HoldfastError } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { S3Link } from "./s3-link.ts";
import { readRetention, type S3Object, wholeSecondDate } from "./s3-lock.ts";
import { idsOf } from "./s3-look.ts";

/**
 * An earlier date, read back. Only a governance lock can be shortened, with s3:BypassGovernanceRetention, which no policy that
 * `policy iam` prints gives: whoever may do it is named by the bucket's owner for that. Resolves with the request ids.
 */
export async function shortenInS3(link: S3Link, object: S3Object, retainUntil: string, signal: AbortSignal): Promise<readonly string[]> {
  const until = wholeSecondDate(object.Key, retainUntil);
  const subject = printable(object.Key);
  const before = await readRetention(link, object, signal);
  if (before.kind !== "locked") throw new HoldfastError("vault", `${subject}: the store shows no retention that could be shortened`);
  if (before.mode !== "governance")
    throw new HoldfastError("refused", `${subject} is locked in ${before.mode} mode until ${before.retainUntil}, which nobody can shorten`);
  const answer = await link.ask({
    what: `shorten the retention of ${object.Key}`,
    signal,
    send: (client, sdk, options) =>
      client.send(
        new sdk.PutObjectRetentionCommand({
          ...link.common,
          ...object,
          ChecksumAlgorithm: "SHA256",
          BypassGovernanceRetention: true,
          Retention: { Mode: "GOVERNANCE", RetainUntilDate: until },
        }),
        options,
      ),
  });
  const after = await readRetention(link, object, signal);
  if (after.kind !== "locked" || Date.parse(after.retainUntil) !== until.getTime())
    throw new HoldfastError("vault", `${subject}: the store accepted ${retainUntil} and shows ${after.kind === "locked" ? after.retainUntil : "no retention"}`);
  return [...before.requestIds, ...idsOf(answer), ...after.requestIds];
}
