import { HoldfastError } from "../core/error.ts";
import type { Part } from "../core/part.ts";
import { printable } from "../core/printable.ts";
import type { PartNote } from "../core/vault.ts";
import { lockParameters } from "./s3-lock.ts";
import { idsOf, lookAt, markName, versionOf } from "./s3-look.ts";
import { listParts, type HeldPart } from "./s3-parts.ts";
import { adoptAfterReading, decideTaken, settleByLooking, type Putting, type Written } from "./s3-put.ts";
import { sendParts } from "./s3-send-parts.ts";
import { abortUpload, newMark, readToken, writeToken } from "./s3-token.ts";
import { troubleOf } from "./s3-trouble.ts";
import { base64OfSha256 } from "../core/digest.ts";

/** An upload that is open in the store, and what the store says that it holds of it. */
export type Upload = { readonly id: string; readonly held: ReadonlyMap<number, HeldPart> };

export async function putInParts(putting: Putting, first: Part): Promise<Written> {
  let upload: Upload;
  try {
    const resumed = await resumeUpload(putting);
    if (resumed === "finished") {
      const look = await lookAt(putting.place.link, putting.fullKey, putting.signal);
      if (look.kind === "object") return await adoptAfterReading(putting, first, look.found);
    }
    upload = typeof resumed === "object" ? resumed : await createUpload(putting);
  } catch (error) {
    first.release();
    throw error;
  }
  try {
    const notes = await sendParts(putting, upload, first);
    putting.request.journal.completing();
    return await complete(putting, upload, notes);
  } catch (error) {
    if (putting.signal.aborted || troubleOf(error) !== "no-upload") throw error;
    putting.request.journal.reset();
    throw new HoldfastError(
      "vault",
      `${printable(putting.request.key)}: the store lost the unfinished upload (a lifecycle rule, or somebody aborted it); resume sends it again`,
      error,
    );
  }
}

/** The journal's upload, with what the store holds of it; `finished` if the store has an object in its place. */
async function resumeUpload(putting: Putting): Promise<Upload | "finished" | "none"> {
  const { request, place, fullKey, signal } = putting;
  const state = request.journal.load();
  if (state === null) return "none";
  const { mark, upload } = readToken(request.key, state.token);
  if (upload !== null) {
    try {
      return { id: upload, held: await listParts(place.link, fullKey, upload, signal) };
    } catch (error) {
      signal.throwIfAborted();
      if (troubleOf(error) !== "no-upload") throw error;
      const look = await lookAt(place.link, fullKey, signal);
      if (look.kind === "unknown") throw look.error;
      // Our own mark is the proof that a Complete whose answer was lost did happen.
      if (look.kind === "object" && look.found.mark === mark) return "finished";
    }
  }
  request.journal.reset();
  return "none";
}

async function createUpload({ request, place, fullKey, signal }: Putting): Promise<Upload> {
  const { link } = place;
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
          ChecksumAlgorithm: "SHA256",
          ChecksumType: "COMPOSITE",
          Metadata: { [markName]: mark },
          ...lockParameters(request.key, request.retention), // retention and hold can be given only here
          ...(place.kmsKey === null ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: place.kmsKey }),
        }),
        options,
      ),
  });
  if (answer.UploadId === undefined) throw new HoldfastError("vault", `${printable(fullKey)}: the store began an upload without an upload id`);
  request.journal.begin({ token: writeToken({ mark, upload: answer.UploadId }), partSize: request.stream.partSize });
  return { id: answer.UploadId, held: new Map() };
}

async function complete(putting: Putting, upload: Upload, notes: readonly PartNote[]): Promise<Written> {
  const { request, place, fullKey, signal, taker } = putting;
  const { link } = place;
  try {
    return await link.ask<Written>({
      what: `complete the upload of ${fullKey}`,
      signal,
      patience: 1 + taker.bytes() / (6 * 2 ** 30), // some servers copy the parts before they answer: 3 to 8 s a GiB
      settle: () => settleByLooking(putting),
      send: async (client, sdk, options) => {
        const answer = await client.send(
          new sdk.CompleteMultipartUploadCommand({
            ...link.common,
            Key: fullKey,
            UploadId: upload.id,
            IfNoneMatch: "*",
            MpuObjectSize: taker.bytes(),
            MultipartUpload: { Parts: notes.map((note) => ({ PartNumber: note.number, ETag: note.tag, ChecksumSHA256: base64OfSha256(note.sha256) })) },
          }),
          options,
        );
        return { version: versionOf(answer.VersionId), requestIds: idsOf(answer) };
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    const trouble = troubleOf(error);
    if (trouble !== "taken" && trouble !== "no-upload" && !isTaken(error)) throw error;
    try {
      if (trouble === "taken") return await decideTaken(putting);
      // An upload that is gone may have been completed by a try whose answer was lost.
      const settled = isTaken(error) ? null : await settleByLooking(putting);
      if (settled !== null) return settled;
      throw error;
    } catch (refusal) {
      if (isTaken(refusal)) {
        await abortUpload(link, fullKey, upload.id, signal);
        request.journal.reset();
      }
      throw refusal;
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "object-exists";
}
