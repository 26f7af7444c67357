import { HoldfastError } from "../core/error.ts";
import type { ArrivedPart } from "../core/landing.ts";
import { printable } from "../core/printable.ts";
import type { Landed } from "./s3-landing-begin.ts";
import { type Found, idsOf, type Look, lookAt, versionOf } from "./s3-look.ts";
import type { S3Place, Written } from "./s3-put.ts";
import { s3Uri } from "./s3-uri.ts";
import { troubleOf } from "./s3-trouble.ts";

type Finishing = { readonly place: S3Place; readonly landed: Landed; readonly bytes: number; readonly signal: AbortSignal };

/** Makes the object of exactly these parts. What an earlier try made is found by our mark in its metadata. */
export async function completeLanding(place: S3Place, landed: Landed, parts: readonly ArrivedPart[], signal: AbortSignal): Promise<Written> {
  const subject = printable(place.fullKey);
  if (parts.length === 0) throw new HoldfastError("unexpected", `${subject}: an object of no parts was asked for; abandon the upload instead`);
  const gap = parts.findIndex((part, index) => part.number !== index + 1);
  if (gap !== -1) throw new HoldfastError("unexpected", `${subject}: part ${gap + 1} is missing of ${parts.length} parts that were to be completed`);
  const finishing: Finishing = { place, landed, bytes: parts.reduce((sum, part) => sum + part.bytes, 0), signal };
  if (landed.kind === "finished") return adopt(finishing, landed.found);
  const written = await complete(finishing, landed.upload, parts);
  if (written.version !== null) return written;
  // Some servers repeat an earlier success without naming its version.
  const found = decide(finishing, await lookAt(place.link, place.fullKey, signal));
  return { version: found.version, requestIds: [...written.requestIds, ...found.requestIds] };
}

async function complete(finishing: Finishing, upload: string, parts: readonly ArrivedPart[]): Promise<Written> {
  const { place, bytes, signal } = finishing;
  const { link, fullKey } = place;
  const look = (): Promise<Look> => lookAt(link, fullKey, signal);
  try {
    return await link.ask<Written>({
      what: `complete the upload of ${fullKey}`,
      signal,
      patience: 1 + bytes / (6 * 2 ** 30), // some servers copy the parts before they answer: 3 to 8 s a GiB
      settle: async () => {
        const now = await look();
        return now.kind === "object" ? adopt(finishing, now.found) : null;
      },
      send: async (client, sdk, options) => {
        const answer = await client.send(
          new sdk.CompleteMultipartUploadCommand({
            ...link.common,
            Key: fullKey,
            UploadId: upload,
            IfNoneMatch: "*",
            MpuObjectSize: bytes,
            MultipartUpload: { Parts: parts.map((part) => ({ PartNumber: part.number, ETag: part.tag })) },
          }),
          options,
        );
        return { version: versionOf(answer.VersionId), requestIds: idsOf(answer) };
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    const trouble = troubleOf(error);
    if (trouble === "taken") return decide(finishing, await look());
    if (trouble !== "no-upload") throw error;
    const now = await look();
    if (now.kind === "none")
      throw new HoldfastError(
        "vault",
        `${printable(fullKey)}: the store lost the unfinished upload (a lifecycle rule, or somebody aborted it), and what the host sent with it`,
        error,
      );
    return decide(finishing, now);
  }
}

function decide(finishing: Finishing, look: Look): Written {
  if (look.kind === "object") return adopt(finishing, look.found);
  if (look.kind === "none") throw objectExists(finishing); // refused as taken, and nothing to be seen: a delete marker over another version
  throw new HoldfastError(
    "vault",
    `${printable(finishing.place.fullKey)}: something is stored under this key already, and what it is could not be read; resume when the store is well`,
    look.error,
  );
}

function adopt(finishing: Finishing, found: Found): Written {
  if (found.mark !== finishing.landed.mark) throw objectExists(finishing);
  if (found.bytes !== finishing.bytes)
    throw new HoldfastError(
      "vault",
      `${printable(finishing.place.fullKey)}: it was completed with ${found.bytes ?? "an unknown number of"} bytes, and parts of ${finishing.bytes} bytes were to be completed`,
    );
  return { version: found.version, requestIds: found.requestIds };
}

/** The parts stay: a host's memory cannot be sent again, and whoever writes to our key must not be able to make us drop it. */
function objectExists({ place }: Finishing): HoldfastError {
  return new HoldfastError(
    "object-exists",
    `${printable(place.fullKey)}: another object is already stored as ${printable(s3Uri(place.link.options.bucket, place.fullKey))}; nothing was overwritten, and the parts that the host sent are kept in their unfinished upload`,
  );
}
