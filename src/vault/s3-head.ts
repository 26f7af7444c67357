import type { HeadObjectCommandOutput } from "@aws-sdk/client-s3";
import type { S3Link } from "./s3-link.ts";
import { readRetention, type S3Object } from "./s3-lock.ts";
import { statusOf } from "./s3-trouble.ts";

/**
 * HEAD with the store's own checksum. The answer to a HEAD has no body and so no error code: a bare 400 may be a version id of
 * the wrong form or credentials that ran out. A question whose answer does carry a code is asked to tell them apart; it
 * throws where the credentials are the reason.
 */
export async function headObject(link: S3Link, object: S3Object, signal: AbortSignal): Promise<HeadObjectCommandOutput> {
  const head = (): Promise<HeadObjectCommandOutput> =>
    link.ask({
      what: `look at ${object.Key}`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.HeadObjectCommand({ ...link.common, ...object, ChecksumMode: "ENABLED" }), options),
    });
  try {
    return await head();
  } catch (error) {
    signal.throwIfAborted();
    if (statusOf(error) !== 400) throw error;
    await readRetention(link, object, signal);
    return await head();
  }
}
