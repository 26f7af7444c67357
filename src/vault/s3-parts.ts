import { HoldfastError } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { S3Link } from "./s3-link.ts";

/** A part as the store lists it. Base64; null where the store shows no sum: then it proves nothing. */
export type HeldPart = { readonly bytes: number; readonly sha256: string | null; readonly tag: string };

export async function listParts(link: S3Link, fullKey: string, upload: string, signal: AbortSignal): Promise<ReadonlyMap<number, HeldPart>> {
  const held = new Map<number, HeldPart>();
  let marker: string | undefined;
  do {
    const from: { readonly PartNumberMarker?: string } = marker === undefined ? {} : { PartNumberMarker: marker };
    const page = await link.ask({
      what: `list the parts of ${fullKey}`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.ListPartsCommand({ ...link.common, Key: fullKey, UploadId: upload, ...from }), options),
    });
    for (const part of page.Parts ?? []) {
      if (part.PartNumber === undefined || part.ETag === undefined)
        throw new HoldfastError("vault", `${printable(fullKey)}: the store lists a part without a number or a tag`);
      held.set(part.PartNumber, { bytes: part.Size ?? -1, sha256: part.ChecksumSHA256 ?? null, tag: part.ETag });
    }
    const next = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    // A server that says "more" and does not move on would be listed for ever, and a part that is not listed is not missing.
    if (page.IsTruncated === true && (next === undefined || next === marker))
      throw new HoldfastError("vault", `${printable(fullKey)}: the store says that it holds more parts than ${held.size} and does not list them`);
    marker = next;
  } while (marker !== undefined);
  return held;
}
