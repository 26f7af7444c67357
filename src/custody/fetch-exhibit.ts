import type { FileHandle } from "node:fs/promises";
import { actDraft } from "../core/act-draft.ts";
import { parseExhibitId } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import type { RawDigest } from "../core/part.ts";
import type { Random } from "../core/ports.ts";
import type { Vault } from "../core/vault.ts";
import type { LockContext } from "./lock-acts.ts";
import { openNewFile } from "./new-file.ts";
import { type StoredExhibit, storedExhibit } from "./stored-exhibit.ts";

/** Restores raw bytes from a vault into an open file and hashes them on the way; app.ts hands over the stream room's. */
export type Restore = (vault: Vault, put: StoredExhibit["put"], into: FileHandle, signal: AbortSignal) => Promise<RawDigest>;

export type Fetched = { readonly kind: "restored"; readonly digest: RawDigest } | { readonly kind: "altered"; readonly text: string };

/**
 * Writes an exhibit's raw bytes to a new file. Reading evidence is custody, so the `accessed` act comes before the first byte;
 * `verified` follows with what was found. The file gets its name only if the bytes are those that were recorded.
 */
export async function fetchExhibit(
  context: LockContext & { readonly random: Random },
  id: string,
  path: string,
  restore: Restore,
  signal: AbortSignal,
): Promise<Fetched> {
  const { exhibit, put } = storedExhibit(context.reader, id);
  await using out = await openNewFile(path, context.random);
  await append(context, "accessed", id, { out: path });
  const found = await restoreInto(context, put, out.file, restore, signal);
  const same = found.kind === "restored" && found.digest.sha256 === exhibit.sha256 && String(found.digest.bytes) === exhibit.bytes;
  const text = same
    ? "the restored bytes are those that were recorded"
    : found.kind === "restored"
      ? `recorded ${exhibit.sha256 ?? "no digest"} over ${exhibit.bytes} bytes, found ${found.digest.sha256} over ${found.digest.bytes}`
      : found.text;
  await append(context, "verified", id, { method: "rehash", verdict: same ? "intact" : "altered", text });
  if (!same) return { kind: "altered", text };
  await out.name();
  return found;
}

async function restoreInto(context: LockContext, put: StoredExhibit["put"], file: FileHandle, restore: Restore, signal: AbortSignal): Promise<Fetched> {
  try {
    return { kind: "restored", digest: await restore(await context.vaultOf(put.vault), put, file, signal) };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "altered") return { kind: "altered", text: error.message };
    throw error;
  }
}

async function append(context: LockContext, act: "accessed" | "verified", id: string, detail: { readonly [key: string]: string }): Promise<void> {
  await context.recorder.append([
    actDraft(act, context.actor, { case: parseExhibitId(id).caseId, exhibits: [id], reason: context.reason, authority: context.authority, detail }),
  ]);
}
