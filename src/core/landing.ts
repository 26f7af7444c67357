import type { Stored } from "./vault.ts";

/**
 * Where a host that pushes by itself puts its bytes: one object of the vault, under retention from the moment that it is
 * complete. The host gets links that can write one part each and nothing else, and end soon; never credentials. What it says of
 * its bytes is a claim: the digest that counts is computed from the object, re-read.
 */
export interface Landing {
  /** Bytes of every part but the last, as the upload was begun with. */
  readonly partSize: number;
  /** Whether an interrupted run had begun this upload: parts may be there already. */
  readonly resumed: boolean;
  /**
   * Upload links for the parts `from` … `from + count - 1`. They differ only in what stands in `signatures`: a link is `template`
   * with `{part}` and `{signature}` replaced. The host sends each with PUT and a Content-MD5 header.
   */
  links(from: number, count: number, seconds: number, signal: AbortSignal): Promise<UploadLinks>;
  /** A read-only link to a small file (the pinned tool), kept in the vault under its digest. Gives the request ids of making it. */
  offer(name: string, bytes: Uint8Array, seconds: number, signal: AbortSignal): Promise<{ readonly url: string; readonly requestIds: readonly string[] }>;
  /** What the store shows of the parts so far, ascending by number. */
  arrived(signal: AbortSignal): Promise<readonly ArrivedPart[]>;
}

export type UploadLinks = {
  readonly template: string;
  readonly from: number;
  /** 64 hex digits each. */
  readonly signatures: readonly string[];
  readonly expires: string;
};

export type ArrivedPart = { readonly number: number; readonly bytes: number; readonly tag: string };

export type LandingRequest = {
  readonly key: string;
  readonly mediaType: string;
  readonly retention: Stored["asked"];
  readonly partSize: number;
};

/** An upload by others, as the runner holds it. `token` is what makes it findable after a crash. */
export type OpenLanding = Landing & {
  readonly token: string;
  /** Makes the object of exactly these parts, 1…n without a gap. Safe to repeat. Its checksum is empty: the bytes were not ours. */
  complete(parts: readonly ArrivedPart[], signal: AbortSignal): Promise<Stored>;
};
