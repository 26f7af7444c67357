import { createHash } from "node:crypto";
import { sha256OfBytes } from "./digest.ts";
import { HoldfastError } from "./error.ts";
import type { PartStream } from "./part.ts";
import { printable } from "./printable.ts";
import type { Retention } from "./lock.ts";
import type { Listed, PutJournal, PutState, Stored, Vault } from "./vault.ts";

export type SmallObject = { readonly key: string; readonly mediaType: string; readonly bytes: Buffer; readonly retention: Retention };

/**
 * Stores a record of our own (never an exhibit) that fits into memory, in one part and without a journal on disk: a crash in the
 * middle leaves nothing that an identical put would not settle. Rejects as Vault.put does; `object-exists` where the key holds
 * other bytes.
 */
export async function putSmall(vault: Vault, { key, mediaType, bytes, retention }: SmallObject, signal: AbortSignal): Promise<Stored> {
  return vault.put({ key, mediaType, retention, stream: onePart(bytes), journal: journalInMemory() }, signal);
}

/** The bytes of exactly the version that was listed. Rejects with `vault` where it is larger than `most` bytes: no list is believed with memory. */
export async function readSmall(vault: Vault, listed: Listed, most: number, signal: AbortSignal): Promise<Buffer> {
  const { key, version, bytes } = listed;
  if (bytes === null || bytes > most)
    throw new HoldfastError(
      "vault",
      `${printable(key)} in vault ${vault.name}: ${bytes === null ? "a delete marker" : `${bytes} bytes`} where a record of at most ${most} bytes belongs`,
    );
  const chunks: Uint8Array[] = [];
  if (bytes > 0) for await (const chunk of vault.read({ vault: vault.name, uri: vault.locate(key), key, version }, 0, bytes, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function onePart(bytes: Buffer): PartStream {
  const sha256 = sha256OfBytes(createHash("sha256").update(bytes).digest());
  const part = { number: 1, bytes, sha256, last: true, rawFrom: 0, rawTo: bytes.length, frames: [], release: () => undefined };
  return {
    encoding: "identity",
    partSize: Math.max(bytes.length, 1),
    parts: (async function* () {
      if (bytes.length > 0) yield part;
    })(),
    digest: async () => ({ sha256, bytes: bytes.length }),
  };
}

function journalInMemory(): PutJournal {
  let state: PutState | null = null;
  return {
    load: () => state,
    begin: ({ token, partSize }) => {
      state = { token, partSize, parts: [], completing: false };
    },
    part: (note) => {
      if (state !== null) state = { ...state, parts: [...state.parts, note] };
    },
    completing: () => {
      if (state !== null) state = { ...state, completing: true };
    },
    reset: () => {
      state = null;
    },
  };
}
