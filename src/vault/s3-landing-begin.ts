import { HoldfastError } from "../core/error.ts";
import type { LandingRequest } from "../core/landing.ts";
import { printable } from "../core/printable.ts";
import { lockParameters } from "./s3-lock.ts";
import { type Found, lookAt, markName } from "./s3-look.ts";
import { listParts } from "./s3-parts.ts";
import type { S3Place } from "./s3-put.ts";
import { abortUpload, newMark, readToken } from "./s3-token.ts";
import { s3Uri } from "./s3-uri.ts";
import { troubleOf } from "./s3-trouble.ts";

/** An upload that a host fills: still open, or completed by a run whose answer was lost. */
export type Landed =
  | { readonly kind: "open"; readonly mark: string; readonly upload: string; readonly resumed: boolean }
  | { readonly kind: "finished"; readonly mark: string; readonly upload: string; readonly found: Found };

export async function beginOrResume(place: S3Place, request: LandingRequest, token: string | null, signal: AbortSignal): Promise<Landed> {
  const { link, fullKey } = place;
  const known = token === null ? null : readToken(request.key, token);
  if (known !== null && known.upload !== null) {
    const { mark, upload } = known;
    try {
      await listParts(link, fullKey, upload, signal);
      return { kind: "open", mark, upload, resumed: true };
    } catch (error) {
      signal.throwIfAborted();
      if (troubleOf(error) !== "no-upload") throw error;
    }
    const look = await lookAt(link, fullKey, signal);
    if (look.kind === "unknown") throw look.error;
    if (look.kind === "object" && look.found.mark === mark) return { kind: "finished", mark, upload, found: look.found };
  }
  return begin(place, request, signal);
}

async function begin(place: S3Place, request: LandingRequest, signal: AbortSignal): Promise<Landed> {
  const { link, fullKey, kmsKey } = place;
  // Known before a host sends gigabytes for nothing.
  const look = await lookAt(link, fullKey, signal);
  if (look.kind === "object")
    throw new HoldfastError(
      "object-exists",
      `${printable(request.key)}: another object is already stored as ${printable(s3Uri(link.options.bucket, fullKey))}`,
    );
  await abortStrays(place, signal);
  const mark = newMark(link.options.random);
  const answer = await link.ask({
    what: `begin the upload of ${fullKey}`,
    signal,
    send: (client, sdk, options) =>
      client.send(
        new sdk.CreateMultipartUploadCommand({
          ...link.common,
          Key: fullKey,
          ContentType: request.mediaType,
          // No checksum algorithm: S3 would then demand it of every part, and a host has only Content-MD5, which Object Lock
          // takes as well (API reference, UploadPart).
          Metadata: { [markName]: mark },
          ...lockParameters(request.key, request.retention), // retention and hold can be given only here
          ...(kmsKey === null ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKey }),
        }),
        options,
      ),
  });
  if (answer.UploadId === undefined) throw new HoldfastError("vault", `${printable(fullKey)}: the store began an upload without an upload id`);
  return { kind: "open", mark, upload: answer.UploadId, resumed: false };
}

const rounds = 5;

/**
 * Uploads of this very key that nobody journaled: a run was killed right after it began one. A key belongs to one exhibit, and
 * an exhibit has one writer. They are the first that the store lists under the key as a prefix, so that asking again is paging.
 */
async function abortStrays({ link, fullKey }: S3Place, signal: AbortSignal): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const page = await link.ask({
      what: `list unfinished uploads of ${fullKey}`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.ListMultipartUploadsCommand({ ...link.common, Prefix: fullKey }), options),
    });
    const strays = (page.Uploads ?? []).flatMap(({ Key, UploadId }) => (Key === fullKey && UploadId !== undefined ? [UploadId] : []));
    if (strays.length === 0) return;
    for (const upload of strays) await abortUpload(link, fullKey, upload, signal);
  }
  throw new HoldfastError(
    "vault",
    `${printable(fullKey)}: unfinished uploads of this key are still listed after they were removed ${rounds} times; look who else writes it`,
  );
}
