import type { StoredChecksum } from "../core/lock.ts";
import type { S3Link } from "./s3-link.ts";
import { headObject } from "./s3-head.ts";
import { troubleOf } from "./s3-trouble.ts";

/** Metadata that proves that an object came from one certain upload of ours. */
export const markName = "holdfast-put";

export type Found = {
  readonly version: string | null;
  readonly bytes: number | null;
  /** Base64 without the part count; null where the store shows none. */
  readonly sha256: string | null;
  readonly mark: string | null;
  readonly requestIds: readonly string[];
};

export type Look = { readonly kind: "object"; readonly found: Found } | { readonly kind: "none" } | { readonly kind: "unknown"; readonly error: unknown };

/** What stands under a key now. Throws only for an abort and for lapsed credentials. */
export async function lookAt(link: S3Link, fullKey: string, signal: AbortSignal): Promise<Look> {
  try {
    const head = await headObject(link, { Key: fullKey }, signal);
    return {
      kind: "object",
      found: {
        version: versionOf(head.VersionId),
        bytes: head.ContentLength ?? null,
        sha256: head.ChecksumSHA256?.replace(/-\d+$/, "") ?? null,
        mark: head.Metadata?.[markName] ?? null,
        requestIds: idsOf(head),
      },
    };
  } catch (error) {
    signal.throwIfAborted();
    const trouble = troubleOf(error);
    if (trouble === "lapsed") throw error;
    return trouble === "missing" ? { kind: "none" } : { kind: "unknown", error };
  }
}

/** The same object: by the store's own checksum, or, where it shows none, by our mark and its size. */
export function isSame(found: Found, bytes: number, checksum: StoredChecksum, mark: string | null): boolean {
  if (found.bytes !== bytes) return false;
  return found.sha256 === null ? mark !== null && found.mark === mark : found.sha256 === checksum.value;
}

/** An unversioned bucket answers nothing, or `null` as a word. */
export function versionOf(version: string | undefined): string | null {
  return version === undefined || version === "" || version === "null" ? null : version;
}

export function idsOf(answer: { readonly $metadata: { readonly requestId?: string | undefined } }): readonly string[] {
  return answer.$metadata.requestId === undefined ? [] : [answer.$metadata.requestId];
}
