import { createHash } from "node:crypto";
import { base64OfSha256, type Sha256, sha256OfBytes } from "../core/digest.ts";
import { HoldfastError } from "../core/error.ts";
import type { Retention } from "../core/lock.ts";
import { printable } from "../core/printable.ts";
import { linkToRead } from "./s3-landing-links.ts";
import { patienceForBody } from "./s3-link.ts";
import { lockParameters } from "./s3-lock.ts";
import { type Found, idsOf, lookAt, versionOf } from "./s3-look.ts";
import type { S3Place, Written } from "./s3-put.ts";
import { readFromS3 } from "./s3-read.ts";
import { s3Uri } from "./s3-uri.ts";
import { troubleOf } from "./s3-trouble.ts";

const most = 64 * 2 ** 20;

export type Offer = { readonly url: string; readonly requestIds: readonly string[] };

/** A file's key under the vault's prefix: its digest is in its name, so that another file never stands in its place. */
export function toolKey(name: string, sha256: Sha256): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name))
    throw new HoldfastError("unexpected", `${printable(name)}: not a name of a tool; letters, digits, dot, dash and underscore, at most 128`);
  return `tools/${name}-${sha256}`;
}

export function sha256OfTool(name: string, bytes: Uint8Array): Sha256 {
  if (bytes.length === 0 || bytes.length > most)
    throw new HoldfastError("unexpected", `${printable(name)}: ${bytes.length} bytes; a tool that is offered has 1 to ${most} bytes`);
  return sha256OfBytes(createHash("sha256").update(bytes).digest());
}

/** Stores the file once (`place.fullKey`) and signs a link that reads exactly that version. */
export async function offerTool(place: S3Place, bytes: Uint8Array, sha256: Sha256, retention: Retention, seconds: number, signal: AbortSignal): Promise<Offer> {
  const { link, fullKey } = place;
  const written = await store(place, bytes, sha256, retention, signal);
  if (written.version === null)
    throw new HoldfastError("vault", `${printable(fullKey)}: the store names no version of it, so that no link can be made that reads exactly this file`);
  return { url: await linkToRead(link, fullKey, written.version, seconds, signal), requestIds: written.requestIds };
}

async function store(place: S3Place, bytes: Uint8Array, sha256: Sha256, retention: Retention, signal: AbortSignal): Promise<Written> {
  const { link, fullKey, kmsKey } = place;
  const find = async (): Promise<Written | null> => {
    const look = await lookAt(link, fullKey, signal);
    return look.kind === "object" ? adopt(place, look.found, bytes.length, sha256, signal) : null;
  };
  const there = await find();
  if (there !== null) return there;
  try {
    const written = await link.ask<Written>({
      what: `store ${fullKey}`,
      signal,
      patience: patienceForBody(bytes.length),
      settle: find,
      send: async (client, sdk, options) => {
        const answer = await client.send(
          new sdk.PutObjectCommand({
            ...link.common,
            Key: fullKey,
            Body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
            ContentLength: bytes.length,
            ContentType: "application/octet-stream",
            IfNoneMatch: "*",
            ChecksumAlgorithm: "SHA256",
            ChecksumSHA256: base64OfSha256(sha256),
            ...lockParameters(fullKey, retention),
            ...(kmsKey === null ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKey }),
          }),
          options,
        );
        return { version: versionOf(answer.VersionId), requestIds: idsOf(answer) };
      },
    });
    return written.version === null ? ((await find()) ?? written) : written;
  } catch (error) {
    signal.throwIfAborted();
    if (troubleOf(error) !== "taken") throw error;
    const taken = await find(); // another run offered the same at the same time
    if (taken === null) throw error;
    return taken;
  }
}

/** By the store's own SHA-256; where it shows none, the file is read: it is small. */
async function adopt(place: S3Place, found: Found, bytes: number, sha256: Sha256, signal: AbortSignal): Promise<Written> {
  const same = found.bytes === bytes && (found.sha256 === null ? await readsAs(place, found, bytes, sha256, signal) : found.sha256 === base64OfSha256(sha256));
  if (same) return { version: found.version, requestIds: found.requestIds };
  throw new HoldfastError(
    "object-exists",
    `${printable(s3Uri(place.link.options.bucket, place.fullKey))} is not the file that its name says: somebody put other bytes there; find out who writes to the vault`,
  );
}

async function readsAs({ link, fullKey }: S3Place, found: Found, bytes: number, sha256: Sha256, signal: AbortSignal): Promise<boolean> {
  const hash = createHash("sha256");
  const ref = { vault: link.options.name, uri: s3Uri(link.options.bucket, fullKey), key: fullKey, version: found.version };
  for await (const chunk of readFromS3(link, ref, fullKey, 0, bytes, signal)) hash.update(chunk);
  return sha256OfBytes(hash.digest()) === sha256;
}
