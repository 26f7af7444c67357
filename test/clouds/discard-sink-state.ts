import { createHash } from "node:crypto";
import type { Recognized } from "./s3-fake-operations.ts";
import { newId } from "./s3-fake-state.ts";
import { errorDocument } from "./s3-fake-xml.ts";

/** What the discarding sink hears and remembers. */
export type SinkRequest = {
  readonly method: string;
  readonly url: URL;
  readonly known: Recognized | string;
  readonly headers: ReadonlyMap<string, string>;
  readonly header: (name: string) => string | null;
  readonly length: number;
  /** null where it was too long to be kept. */
  readonly body: Buffer | null;
};
export type SinkAnswer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };

export type SinkPart = { readonly number: number; readonly size: number; readonly etag: string; readonly sum: Sum | null };
export type Sum = { readonly name: string; readonly value: string };
export type SinkObject = {
  readonly version: string;
  readonly size: number;
  readonly etag: string;
  readonly sum: Sum | null;
  readonly composite: boolean;
  readonly modified: Date;
  readonly kept: Kept;
};
/** Headers of the write that HEAD gives back. */
export type Kept = Record<string, string>;
export type SinkUpload = { readonly path: string; readonly kept: Kept; readonly algorithm: string | null; readonly parts: Map<number, SinkPart> };

export type Sink = { readonly objects: Map<string, SinkObject>; readonly uploads: Map<string, SinkUpload> };

export function newSink(): Sink {
  return { objects: new Map(), uploads: new Map() };
}

export const ok = (body = "", headers: Readonly<Record<string, string>> = {}): SinkAnswer => ({ status: 200, headers, body });
export const refuse = (status: number, code: string): SinkAnswer => ({
  status,
  headers: {},
  body: errorDocument([
    ["Code", code],
    ["Message", code],
  ]),
});

export function keptOf(request: SinkRequest): Kept {
  const kept: Kept = {};
  for (const [name, value] of request.headers)
    if (name === "content-type" || name.startsWith("x-amz-meta-") || name.startsWith("x-amz-object-lock-") || name.startsWith("x-amz-server-side-encryption"))
      kept[name] = value;
  return kept;
}

export function sumOf(request: SinkRequest): Sum | null {
  for (const [name, value] of request.headers) {
    const match = /^x-amz-checksum-(sha256|sha1|crc32|crc32c|crc64nvme)$/.exec(name);
    if (match?.[1] !== undefined) return { name: match[1], value };
  }
  return null;
}

export function sizeOf(request: SinkRequest): number {
  return Number(request.header("x-amz-decoded-content-length") ?? request.length);
}

export function sumHeader(sum: Sum | null): Record<string, string> {
  return sum === null ? {} : { [`x-amz-checksum-${sum.name}`]: sum.value };
}

export function etagOf(request: SinkRequest): string {
  const md5 = request.header("content-md5");
  if (md5 !== null) return Buffer.from(md5, "base64").toString("hex");
  if (request.body !== null && request.header("x-amz-decoded-content-length") === null) return createHash("md5").update(request.body).digest("hex");
  return `${newId().slice(0, 16)}-discarded`; // not shaped like an MD5, so that no client compares it with one
}
