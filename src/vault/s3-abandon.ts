import { HoldfastError } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { S3Link } from "./s3-link.ts";
import { abortUpload } from "./s3-token.ts";
import { troubleOf } from "./s3-trouble.ts";

const tries = 5;

/**
 * Removes an unfinished upload, and looks: a part that was on its way while S3 aborted may stay, and be paid for, until it is
 * aborted again (API reference, AbortMultipartUpload). A host that pushes by itself does not stop when we do.
 */
export async function abandonUpload(link: S3Link, fullKey: string, upload: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= tries; attempt++) {
    await abortUpload(link, fullKey, upload, signal);
    if (await isGone(link, fullKey, upload, signal)) return;
    await link.options.sleep(250 * attempt, signal);
  }
  throw new HoldfastError(
    "vault",
    `${printable(fullKey)}: parts of the abandoned upload still arrive after ${tries} removals; abandon it again when the host has stopped`,
  );
}

async function isGone(link: S3Link, fullKey: string, upload: string, signal: AbortSignal): Promise<boolean> {
  try {
    await link.ask({
      what: `look whether the upload of ${fullKey} is gone`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.ListPartsCommand({ ...link.common, Key: fullKey, UploadId: upload, MaxParts: 1 }), options),
    });
    return false;
  } catch (error) {
    signal.throwIfAborted();
    const trouble = troubleOf(error);
    // A store that lists no parts at all leaves nothing to look at: the abort that it acknowledged has to do.
    if (trouble === "no-upload" || trouble === "other") return true;
    throw error;
  }
}
