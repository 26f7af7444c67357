import { HoldfastError } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { S3Link } from "./s3-link.ts";
import { putRetention, readRetention, type S3Object, shown, wholeSecondDate } from "./s3-lock.ts";

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
  const { after, requestIds } = await putRetention(
    link,
    object,
    `shorten the retention of ${object.Key}`,
    "governance",
    until,
    { BypassGovernanceRetention: true },
    signal,
  );
  if (after.kind !== "locked" || after.mode !== "governance" || Date.parse(after.retainUntil) !== until.getTime())
    throw new HoldfastError("vault", `${subject}: the store accepted governance until ${retainUntil} and shows ${shown(after)}`);
  return [...before.requestIds, ...requestIds];
}
