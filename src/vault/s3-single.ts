import { base64OfSha256 } from "../core/digest.ts";
import { HoldfastError } from "../core/error.ts";
import type { Part } from "../core/part.ts";
import { patienceForBody } from "./s3-link.ts";
import { lockParameters } from "./s3-lock.ts";
import { idsOf, markName, versionOf } from "./s3-look.ts";
import { decideTaken, settleByLooking, type Putting, type Written } from "./s3-put.ts";
import { sha256OfNothing } from "./s3-taker.ts";
import { abortUpload, newMark, readToken, writeToken } from "./s3-token.ts";
import { troubleOf } from "./s3-trouble.ts";

/** An object of one part, or of no bytes at all: one PutObject, which is visible as soon as it succeeds. */
export async function putWhole(putting: Putting, part: Part | null): Promise<Written> {
  try {
    if (part !== null && (await putting.taker.next()) !== null) throw new HoldfastError("unexpected", `${putting.request.key}: a part came after the last one`);
    await beginWhole(putting);
    // A finished put that is repeated, a key that is taken: also on a store that does not know If-None-Match.
    const written = (await settleByLooking(putting)) ?? (await send(putting, part));
    if (part !== null) {
      const { number, sha256, rawFrom, rawTo, frames } = part;
      putting.request.journal.part({ number, bytes: part.bytes.length, sha256, tag: "", rawFrom, rawTo, frames });
    }
    putting.request.progress?.(putting.taker.bytes());
    return written;
  } finally {
    part?.release();
  }
}

async function beginWhole({ place, request, fullKey, signal }: Putting): Promise<void> {
  const state = request.journal.load();
  if (state !== null) {
    const { upload } = readToken(request.key, state.token);
    if (upload === null) return;
    await abortUpload(place.link, fullKey, upload, signal);
    request.journal.reset();
  }
  request.journal.begin({ token: writeToken({ mark: newMark(place.link.options.random), upload: null }), partSize: request.stream.partSize });
  request.journal.completing();
}

async function send(putting: Putting, part: Part | null): Promise<Written> {
  const { place, request, fullKey, signal } = putting;
  const { link } = place;
  const bytes = part?.bytes ?? new Uint8Array(0);
  const mark = readToken(request.key, request.journal.load()?.token ?? "").mark;
  try {
    return await link.ask<Written>({
      what: `store ${fullKey}`,
      signal,
      patience: patienceForBody(bytes.length),
      settle: () => settleByLooking(putting),
      send: async (client, sdk, options) => {
        const answer = await client.send(
          new sdk.PutObjectCommand({
            ...link.common,
            Key: fullKey,
            Body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), // a view, not a copy
            ContentLength: bytes.length,
            ContentType: request.mediaType,
            IfNoneMatch: "*",
            ChecksumAlgorithm: "SHA256",
            ChecksumSHA256: base64OfSha256(part?.sha256 ?? sha256OfNothing),
            Metadata: { [markName]: mark },
            ...lockParameters(request.key, request.retention),
            ...(place.kmsKey === null ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: place.kmsKey }),
          }),
          options,
        );
        return { version: versionOf(answer.VersionId), requestIds: idsOf(answer) };
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    if (troubleOf(error) !== "taken") throw error;
    return await decideTaken(putting);
  }
}
