import type { FileHandle } from "node:fs/promises";
import { HoldfastError } from "../core/error.ts";
import type { OutcomeDetail } from "../core/outcome-detail.ts";
import type { RawDigest } from "../core/part.ts";
import type { Vault } from "../core/vault.ts";
import { type ReadStored, restoreRaw } from "../stream/restore.ts";
import { rehashStored, writeRestored } from "../stream/restored.ts";

type Put = NonNullable<OutcomeDetail["put"]>;

export type Rehash = { readonly kind: "read"; readonly raw: RawDigest; readonly storedChecksum: string } | { readonly kind: "altered"; readonly text: string };

/** Reads a stored object once, whole: digest of the raw evidence and checksum of what is stored. Rejects where it could not be read. */
export async function rehash(vault: Vault, put: Put, signal: AbortSignal): Promise<Rehash> {
  try {
    const found = await rehashStored(put.encoding, put.bytes, put.checksum, readOf(vault, put, signal), signal);
    return { kind: "read", raw: found.raw, storedChecksum: found.stored.value };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "altered") return { kind: "altered", text: error.message };
    throw error;
  }
}

/** Writes the raw evidence of a stored object into an open, empty file. */
export async function restoreInto(vault: Vault, put: Put, into: FileHandle, signal: AbortSignal): Promise<RawDigest> {
  return writeRestored(into, restoreRaw(put.encoding, put.bytes, readOf(vault, put, signal), signal));
}

function readOf(vault: Vault, put: Put, signal: AbortSignal): ReadStored {
  return (offset, length) => vault.read(put, offset, length, signal);
}
