/** Blocks of a page. The most is 10,000; a page of that length holds up whoever parses it, and the memory of its tokens, for longer than a few calls more cost. */
export const pageBlocks: number = 2000;

/** Bytes of a block of a snapshot (EBS direct APIs). */
export const blockBytes: number = 524_288;

export type Block = { readonly index: number; readonly token: string };

/** Where a list begins: a page token lives 60 minutes, an index for ever. */
export type ListFrom = { readonly kind: "index"; readonly index: number } | { readonly kind: "token"; readonly token: string };

export type Page = {
  readonly kind: "page";
  /** May be few or none, with more to come. */
  readonly blocks: readonly Block[];
  /** Null: there are no more. */
  readonly nextToken: string | null;
  readonly volumeGiB: number | null;
  readonly blockSize: number | null;
};

export type Got = {
  readonly kind: "block";
  readonly bytes: Uint8Array;
  /** As the service says it; null where it does not. */
  readonly length: number | null;
  readonly checksum: string | null;
  readonly algorithm: string | null;
};

/** A no that is an answer. `throttled`: whose limit it was, where the service says it. `invalid`: the question was not understood, or its token is of yesterday: the service has one code for both. */
export type No =
  | { readonly kind: "throttled"; readonly limit: "account" | "snapshot" | null }
  | { readonly kind: "invalid"; readonly text: string }
  | { readonly kind: "refused"; readonly outcome: "denied" | "unavailable"; readonly text: string };

/**
 * The blocks of one snapshot. Each call is one question with one answer: pace, retries after `throttled`, tokens and checksums are
 * the caller's business; broken connections and lapsed credentials have been dealt with when it answers, or it rejects. May be
 * called concurrently.
 */
export type EbsBlocks = {
  /** At most `pageBlocks` blocks. */
  list(from: ListFrom, signal: AbortSignal): Promise<Page | No>;
  /** `room` may be asked for memory to put the bytes in; it is the caller's again as soon as the answer is settled. */
  get(block: Block, room: () => Uint8Array, signal: AbortSignal): Promise<Got | No>;
};
