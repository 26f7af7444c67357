import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { LockMode, LockWorth } from "../../src/core/lock.ts";
import type { PutJournal, PutRequest, Receipt, Stored, StoredRef, Vault } from "../../src/core/vault.ts";
import { memoryJournal } from "./memory-journal.ts";
import { partsOf, type TestStream } from "./parts-of.ts";

/** A vault to be tested, and ways to look at and to damage its store that do not go through it. */
export type VaultBench = {
  readonly vault: Vault;
  /** What lies under the key, as another program sees it; null if nothing does. */
  raw(key: string): Promise<Buffer | null>;
  /** How many objects or versions of the key there are. */
  count(key: string): Promise<number>;
  /** How many uploads of the key are unfinished. */
  unfinished(key: string): Promise<number>;
  /** Changes what the store holds of one part of an unfinished upload; `size` is the part's, and stays. */
  spoilPart(key: string, token: string, number: number, size: number): Promise<void>;
  /** Makes the store forget an unfinished upload. */
  loseUpload(key: string, token: string): Promise<void>;
  close(): Promise<void>;
};

/** What is true of a store: from its documentation and from test/clouds/LIES.md, not from what our code makes of it. */
export type VaultTraits = {
  /** Bytes; the smallest that the store takes for a part that is not the last. */
  readonly partSize: number;
  readonly mode: LockMode;
  readonly lock: LockWorth;
  readonly seals: boolean;
  readonly versions: boolean;
  /** Whether If-None-Match lets exactly one of several writers of one key through, also when they come at once. */
  readonly oneWinner: boolean;
  /** Probes of the doctor that this store is known to fail. */
  readonly failsProbes: readonly string[];
};

/** Whole seconds from now, RFC 3339. */
export function inSeconds(seconds: number): string {
  return new Date(Math.ceil(Date.now() / 1000) * 1000 + seconds * 1000).toISOString().replace(".000Z", "Z");
}

export function newKey(name = "object.bin"): string {
  return `T-${randomBytes(6).toString("hex")}/${name}`;
}

export type Given = Partial<Omit<PutRequest, "stream" | "retention">> & {
  readonly stream?: TestStream;
  readonly legalHold?: boolean;
  readonly retainUntil?: string;
};

export function requestOf(
  traits: VaultTraits,
  bytes: Uint8Array,
  given: Given = {},
): PutRequest & { readonly stream: TestStream; readonly journal: PutJournal } {
  return {
    key: given.key ?? newKey(),
    mediaType: "application/octet-stream",
    retention: { mode: traits.mode, retainUntil: given.retainUntil ?? inSeconds(3600), legalHold: given.legalHold ?? false },
    stream: given.stream ?? partsOf(bytes, traits.partSize),
    journal: given.journal ?? memoryJournal(),
    ...(given.progress === undefined ? {} : { progress: given.progress }),
  };
}

export const never: AbortSignal = new AbortController().signal;

export async function readAll(vault: Vault, ref: StoredRef, offset: number, length: number, signal: AbortSignal = never): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of vault.read(ref, offset, length, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The receipt of an object that must be there. */
export async function receiptOf(vault: Vault, stored: Stored): Promise<Receipt> {
  const state = await vault.attest(stored, "identity", never);
  if (state.kind !== "present") throw new Error(`${state.kind}: ${state.text}`);
  return state.receipt;
}

/** Compares in one step: a matcher that walks megabytes byte by byte takes minutes. */
export function expectBytes(found: Buffer | null, wanted: Uint8Array): void {
  expect(found === null ? "nothing" : found.equals(wanted) ? "the same bytes" : `${found.length} other bytes for ${wanted.length}`).toBe("the same bytes");
}
