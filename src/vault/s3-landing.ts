import { HoldfastError } from "../core/error.ts";
import type { ArrivedPart, LandingRequest, OpenLanding } from "../core/landing.ts";
import { printable } from "../core/printable.ts";
import { beginOrResume, type Landed } from "./s3-landing-begin.ts";
import { completeLanding } from "./s3-landing-complete.ts";
import { linksToParts } from "./s3-landing-links.ts";
import { offerTool, sha256OfTool, toolKey } from "./s3-landing-offer.ts";
import { listParts } from "./s3-parts.ts";
import type { S3Place } from "./s3-put.ts";
import { writeToken } from "./s3-token.ts";
import { s3Uri } from "./s3-uri.ts";

export type LandingPlace = S3Place & {
  /** A key with the vault's prefix. */
  readonly withPrefix: (key: string) => string;
  /** Says what a failure means. */
  readonly told: <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
};

/** Begins or finds again an upload that a host fills through links. */
export async function landInS3(place: LandingPlace, request: LandingRequest, token: string | null, signal: AbortSignal): Promise<OpenLanding> {
  const { link, fullKey, told } = place;
  const { key, retention, partSize } = request;
  const landed = await beginOrResume(place, request, token, signal);
  return {
    partSize,
    resumed: landed.kind === "finished" || landed.resumed,
    token: writeToken({ mark: landed.mark, upload: landed.upload }),
    links: (from, count, seconds, stop) =>
      told(stop, async () => {
        if (landed.kind === "finished") throw new HoldfastError("unexpected", `${printable(key)}: it is complete; nothing can be uploaded to it any more`);
        return linksToParts(link, fullKey, landed.upload, { from, count, seconds }, stop);
      }),
    offer: (name, bytes, seconds, stop) =>
      told(stop, async () => {
        const sha256 = sha256OfTool(name, bytes);
        return offerTool({ ...place, fullKey: place.withPrefix(toolKey(name, sha256)) }, bytes, sha256, retention, seconds, stop);
      }),
    arrived: (stop) => told(stop, () => arrivedIn(place, landed, partSize, stop)),
    complete: (parts, stop) =>
      told(stop, async () => {
        const { version, requestIds } = await completeLanding(place, landed, parts, stop);
        return {
          vault: link.options.name,
          uri: s3Uri(link.options.bucket, fullKey),
          key,
          version,
          bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
          checksum: { algorithm: "sha256", type: "full", value: "", partSize: String(partSize) },
          asked: retention,
          requestIds,
          proof: "reread",
        };
      }),
  };
}

async function arrivedIn({ link, fullKey }: S3Place, landed: Landed, partSize: number, signal: AbortSignal): Promise<readonly ArrivedPart[]> {
  if (landed.kind === "finished") return partsOfWhole(landed.found.bytes, fullKey, partSize);
  const held = await listParts(link, fullKey, landed.upload, signal);
  return [...held].map(([number, { bytes, tag }]) => ({ number, bytes, tag })).sort((a, b) => a.number - b.number);
}

/** A completed upload has no list of parts any more: they are cut from its size as it was begun, without tags. complete() takes them. */
function partsOfWhole(size: number | null, fullKey: string, partSize: number): readonly ArrivedPart[] {
  if (size === null) throw new HoldfastError("vault", `${printable(fullKey)}: it is complete, and the store does not say how large it is`);
  return Array.from({ length: Math.max(1, Math.ceil(size / partSize)) }, (_, index) => ({
    number: index + 1,
    bytes: Math.min(partSize, size - index * partSize),
    tag: "",
  }));
}
