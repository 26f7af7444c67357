import { HoldfastError } from "../core/error.ts";
import type { Part } from "../core/part.ts";
import { printable } from "../core/printable.ts";
import type { PartNote, PutRequest, Stored } from "../core/vault.ts";
import type { S3Link } from "./s3-link.ts";
import { isSame, lookAt, type Found } from "./s3-look.ts";
import { putInParts } from "./s3-multipart.ts";
import { putWhole } from "./s3-single.ts";
import { takerOf, type Taker } from "./s3-taker.ts";
import { abortUpload, readToken } from "./s3-token.ts";
import { s3Uri } from "./s3-uri.ts";

export type S3Place = { readonly link: S3Link; readonly fullKey: string; readonly kmsKey: string | null };

/** One put under way. */
export type Putting = {
  readonly place: S3Place;
  readonly request: PutRequest;
  /** With the vault's prefix. */
  readonly fullKey: string;
  readonly taker: Taker;
  readonly known: ReadonlyMap<number, PartNote>;
  readonly signal: AbortSignal;
};

/** What now stands in the store. */
export type Written = { readonly version: string | null; readonly requestIds: readonly string[] };

export async function putToS3(place: S3Place, request: PutRequest, signal: AbortSignal): Promise<Stored> {
  const { link, fullKey } = place;
  const { journal, stream, key } = request;
  let state = journal.load();
  if (state !== null && state.partSize !== stream.partSize) {
    const { upload } = readToken(key, state.token);
    if (upload !== null) await abortUpload(link, fullKey, upload, signal);
    journal.reset();
    state = null;
  }
  const known = new Map(state?.parts.map((note) => [note.number, note]) ?? []);
  const taker = takerOf(key, stream, known, signal);
  const putting: Putting = { place, request, fullKey, taker, known, signal };
  try {
    const first = await taker.next();
    const written = await withVersion(putting, await write(putting, first));
    return {
      vault: link.options.name,
      uri: s3Uri(link.options.bucket, fullKey),
      key,
      version: written.version,
      bytes: taker.bytes(),
      checksum: taker.checksum(),
      asked: request.retention,
      requestIds: written.requestIds,
    };
  } finally {
    taker.stop();
  }
}

async function write(putting: Putting, first: Part | null): Promise<Written> {
  if (first === null || first.last) return putWhole(putting, first);
  const { request, place, fullKey, signal } = putting;
  const state = request.journal.load();
  // A finished put that is repeated, or a key that is taken: known before gigabytes are sent for nothing.
  if (state === null || state.completing) {
    const look = await lookAt(place.link, fullKey, signal).catch((error: unknown) => {
      first.release();
      throw error;
    });
    if (look.kind === "object") return adoptAfterReading(putting, first, look.found);
  }
  return putInParts(putting, first);
}

/** The key is taken: reads the source to its end without sending, and accepts what is there only if it is the same. */
export async function adoptAfterReading(putting: Putting, first: Part, found: Found): Promise<Written> {
  const { taker, request } = putting;
  for (let part: Part | null = first; part !== null; part = await taker.next()) {
    part.release();
    request.progress?.(taker.bytes());
  }
  return adopt(putting, found);
}

/** What stands under the key is ours, or the same; else it stays untouched and the put fails. */
export function adopt(putting: Putting, found: Found): Written {
  const { taker, request } = putting;
  const token = request.journal.load()?.token;
  const mark = token === undefined ? null : readToken(request.key, token).mark;
  if (!isSame(found, taker.bytes(), taker.checksum(), mark)) throw objectExists(putting);
  return { version: found.version, requestIds: found.requestIds };
}

export function objectExists({ request, fullKey, place }: Putting): HoldfastError {
  return new HoldfastError(
    "object-exists",
    `${printable(request.key)}: another object is already stored as s3://${place.link.options.bucket}/${printable(fullKey)}; nothing was overwritten`,
  );
}

/** Before a put, or after an answer that was lost: what is there already, or null where nothing is or nothing can be seen. */
export async function settleByLooking(putting: Putting): Promise<Written | null> {
  const look = await lookAt(putting.place.link, putting.fullKey, putting.signal);
  return look.kind === "object" ? adopt(putting, look.found) : null;
}

/** The store says that the key is taken: by our own earlier try, or by somebody else. Only the object itself can tell. */
export async function decideTaken(putting: Putting): Promise<Written> {
  const look = await lookAt(putting.place.link, putting.fullKey, putting.signal);
  if (look.kind === "object") return adopt(putting, look.found);
  if (look.kind === "none") throw objectExists(putting);
  throw new HoldfastError(
    "vault",
    `${printable(putting.request.key)}: something is stored under this key already, and what it is could not be read; resume when the store is well`,
    look.error,
  );
}

/** A store that names no version in its answer is asked for it: without one, a lock cannot be read back for this very object. */
async function withVersion(putting: Putting, written: Written): Promise<Written> {
  if (written.version !== null) return written;
  const look = await lookAt(putting.place.link, putting.fullKey, putting.signal);
  if (look.kind !== "object") return written; // attest will say that the version is not known
  return { version: adopt(putting, look.found).version, requestIds: [...written.requestIds, ...look.found.requestIds] };
}
