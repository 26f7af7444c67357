import { createHash } from "node:crypto";
import { DeleteObjectCommand, HeadObjectCommand, S3ServiceException } from "@aws-sdk/client-s3";
import type { ArrivedPart, LandingRequest, OpenLanding, UploadLinks } from "../../src/core/landing.ts";
import type { Stored, Vault } from "../../src/core/vault.ts";
import { s3ClientOf, type S3Place } from "./s3-bench.ts";
import { inSeconds, never, newKey, readAll, type VaultBench } from "./vault-bench.ts";

export type LandingBench = { readonly bench: VaultBench; readonly place: S3Place };

/** What is true of a store (test/clouds/LIES.md). */
export type LandingTraits = {
  /** Bytes; the smallest that the store takes for a part that is not the last. */
  readonly partSize: number;
  /** Whether a part of a locked upload is refused without Content-MD5, as AWS does. */
  readonly demandsMd5: boolean;
  /** Whether a wrong Content-MD5 is refused. */
  readonly checksMd5: boolean;
  /** Whether a header that begins with x-amz- and is not signed is refused, as AWS does. */
  readonly refusesUnsignedHeaders: boolean;
};

export function landingRequestOf(partSize: number, given: { readonly key?: string; readonly legalHold?: boolean } = {}): LandingRequest {
  return {
    key: given.key ?? newKey("memory.lime"),
    mediaType: "application/octet-stream",
    retention: { mode: "compliance", retainUntil: inSeconds(3600), legalHold: given.legalHold ?? false },
    partSize,
  };
}

export async function land(vault: Vault, request: LandingRequest, token: string | null = null): Promise<OpenLanding> {
  const landing = await vault.land(request, token, never);
  if (landing === null) throw new Error("this store issues no links");
  return landing;
}

export function linkOf(links: UploadLinks, part: number): string {
  const signature = links.signatures[part - links.from] ?? "";
  return links.template.replace("{part}", String(part)).replace("{signature}", signature);
}

export function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

export type Answer = { readonly status: number; readonly text: string };

/** What a host does: a plain request that knows nothing but its link. */
export async function ask(method: string, url: string, body: Uint8Array | null = null, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const answer = await fetch(url, { method, headers, ...(body === null ? {} : { body: new Uint8Array(body) }) });
  return { status: answer.status, text: await answer.text() };
}

/** Stores differ in whether they see first that a link is bent, or that what it asks for is no operation. */
export function isRefused(status: number): boolean {
  return [400, 403, 404, 405].includes(status);
}

export function push(url: string, bytes: Uint8Array): Promise<Answer> {
  return ask("PUT", url, bytes, { "content-md5": md5Of(bytes) });
}

export function pieces(bytes: Uint8Array, partSize: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / partSize) }, (_, index) => bytes.subarray(index * partSize, (index + 1) * partSize));
}

/** Pushes the named parts, as a host would. */
export async function pushAll(landing: OpenLanding, bytes: Uint8Array, only: (part: number) => boolean = () => true): Promise<void> {
  const parts = pieces(bytes, landing.partSize);
  const links = await landing.links(1, parts.length, 300, never);
  for (const [index, piece] of parts.entries()) {
    if (!only(index + 1)) continue;
    const answer = await push(linkOf(links, index + 1), piece);
    if (answer.status !== 200) throw new Error(`part ${index + 1}: ${answer.status} ${answer.text}`);
  }
}

/** As the runner does it: what arrived is completed, read again and given its digest. */
export async function finish(vault: Vault, landing: OpenLanding): Promise<Stored> {
  const parts: readonly ArrivedPart[] = await landing.arrived(never);
  return withDigest(vault, await landing.complete(parts, never));
}

export async function withDigest(vault: Vault, stored: Stored): Promise<Stored> {
  const value = createHash("sha256")
    .update(await readAll(vault, stored, 0, stored.bytes))
    .digest("base64");
  return { ...stored, checksum: { ...stored.checksum, value } };
}

/** The code with which the store refuses to delete a version, or null where it deletes it. */
export async function deleteVersion(place: S3Place, key: string, version: string | null): Promise<string | null> {
  const client = s3ClientOf(place);
  try {
    await client.send(new DeleteObjectCommand({ Bucket: place.bucket, Key: `holdfast/${key}`, ...(version === null ? {} : { VersionId: version }) }));
    return null;
  } catch (error) {
    if (error instanceof S3ServiceException) return error.name;
    throw error;
  } finally {
    client.destroy();
  }
}

export async function mediaTypeOf(place: S3Place, key: string): Promise<string | undefined> {
  const client = s3ClientOf(place);
  try {
    return (await client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: `holdfast/${key}` }))).ContentType;
  } finally {
    client.destroy();
  }
}
