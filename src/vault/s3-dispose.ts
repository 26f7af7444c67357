import { describeError, HoldfastError } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { Disposal } from "../core/vault.ts";
import type { S3Link } from "./s3-link.ts";
import { readHold, readRetention, type S3Object } from "./s3-lock.ts";
import { idsOf } from "./s3-look.ts";
import { codeOf, troubleOf } from "./s3-trouble.ts";

/**
 * Deletes one version, and never with a bypass. The policy that `policy iam` prints gives no right to do so: with it the answer is
 * `denied`, and whoever owns the bucket disposes by hand.
 */
export async function disposeInS3(link: S3Link, object: S3Object, signal: AbortSignal): Promise<Disposal> {
  const subject = printable(object.Key);
  if (object.VersionId === undefined)
    throw new HoldfastError(
      "refused",
      `${subject}: the store named no version when it took the object, and without one a deletion only hides it; it is not deleted`,
    );
  const [retention, hold] = await Promise.all([readRetention(link, object, signal), readHold(link, object, signal)]);
  if (hold.kind === "unknown" || retention.kind === "unknown")
    throw new HoldfastError(
      "refused",
      `${subject}: its lock cannot be read (${hold.kind === "unknown" ? hold.text : retention.kind === "unknown" ? retention.text : ""}); it is not deleted`,
    );
  if (hold.on) throw new HoldfastError("refused", `${subject} is under a legal hold and is not deleted`);
  if (retention.kind === "locked" && !(Date.parse(retention.retainUntil) <= link.options.clock().getTime()))
    throw new HoldfastError("refused", `${subject} is kept until ${retention.retainUntil} and is not deleted`);
  const read = [...retention.requestIds, ...hold.requestIds];
  try {
    const answer = await link.ask({
      what: `delete ${object.Key}`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.DeleteObjectCommand({ ...link.common, ...object }), options),
    });
    return { kind: "deleted", text: `the store took the deletion of ${subject}, version ${object.VersionId}`, requestIds: [...read, ...idsOf(answer)] };
  } catch (error) {
    signal.throwIfAborted();
    if (troubleOf(error) !== "denied") throw error;
    return {
      kind: "denied",
      text: `the store denies the deletion of ${subject}, version ${object.VersionId}: ${codeOf(error)}: ${describeError(error)}`,
      requestIds: read,
    };
  }
}
