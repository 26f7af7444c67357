import type { Sha256 } from "./digest.ts";
import type { LockMode, LockWorth, Retention, StoredChecksum } from "./lock.ts";
import type { LandingRequest, OpenLanding } from "./landing.ts";
import type { Frame, PartStream } from "./part.ts";

/** Where an object is: enough to find exactly this version again. */
export type StoredRef = {
  readonly vault: string;
  readonly uri: string;
  readonly key: string;
  /** The store's version id; null where the store has no versions (a directory). */
  readonly version: string | null;
};

/** What was written, as we computed it; attest() compares the store's answers with it. */
export type Stored = StoredRef & {
  readonly bytes: number;
  readonly checksum: StoredChecksum;
  readonly asked: Retention;
  readonly requestIds: readonly string[];
  /**
   * Where the checksum comes from. `sent`: it went with the upload, and the store must show the same. `reread`: somebody else
   * pushed the bytes, and we computed it from the locked version; a store that shows none does not contradict it. Absent in
   * records of before this field: `sent`.
   */
  readonly proof?: "sent" | "reread";
};

/**
 * What the store itself said when it was asked afterwards. `sealed` is true only if the lock is worth `irrevocable` (or
 * `bypassable`, where the configuration accepts it), and version, size, checksum, mode, date and hold are what was asked.
 */
export type Receipt = {
  readonly uri: string;
  readonly version: string | null;
  readonly bytes: string;
  readonly encoding: "identity" | "zstd";
  readonly checksum: StoredChecksum;
  readonly lock: LockWorth;
  readonly mode: LockMode | null;
  readonly retainUntil: string | null;
  readonly legalHold: boolean | null;
  readonly sealed: boolean;
  /** What this lock is worth, or why it is not what was asked: sentences for people. */
  readonly text: string;
  /** Each difference between what was asked and what was read back, and each thing that could not be read. Empty when all is well. */
  readonly problems: readonly string[];
  readonly requestIds: readonly string[];
};

export type PartNote = {
  readonly number: number;
  readonly bytes: number;
  readonly sha256: Sha256;
  /** The store's own name for the part (an ETag); empty where it has none. */
  readonly tag: string;
  readonly rawFrom: number;
  readonly rawTo: number;
  readonly frames: readonly Frame[];
};

/**
 * What a put has made durable so far, kept outside the vault. Every call is durable when it returns.
 * `begin` comes before the first byte is sent, `part` after the store has acknowledged it, `completing` before the object is
 * made visible.
 */
export interface PutJournal {
  load(): PutState | null;
  begin(state: { readonly token: string; readonly partSize: number }): void;
  part(note: PartNote): void;
  completing(): void;
  /** Forgets everything: the upload is void and starts again. */
  reset(): void;
}

export type PutState = {
  /** The vault's own memory of the upload (upload id, temporary name); opaque to everyone else. */
  readonly token: string;
  readonly partSize: number;
  readonly parts: readonly PartNote[];
  readonly completing: boolean;
};

export type PutRequest = {
  readonly key: string;
  readonly mediaType: string;
  readonly retention: Retention;
  readonly stream: PartStream;
  readonly journal: PutJournal;
  /** Called as parts become durable, with stored bytes so far. */
  readonly progress?: (storedBytes: number) => void;
};

/** One version of an object, or one delete marker, as the store lists it. What a list says is no proof of the bytes: read them. */
export type Listed = {
  readonly key: string;
  /** Null where the store has no versions. */
  readonly version: string | null;
  /** Null for a delete marker, which hides the versions under it and takes none away. */
  readonly bytes: number | null;
  /** When the store says that it was written. RFC 3339; null where it does not say. */
  readonly modified: string | null;
};

/** What a store answered when it was told to delete. */
export type Disposal = { readonly kind: "deleted" | "denied"; readonly text: string; readonly requestIds: readonly string[] };

/** One question that the doctor asked of the store, with its sentinel, and the store's answer. */
export type ProbeAnswer = {
  readonly probe: string;
  readonly ok: boolean;
  /** False for a finding that is worth saying and does not stop a collection. */
  readonly fatal: boolean;
  readonly text: string;
};

export type ObjectState =
  | { readonly kind: "present"; readonly receipt: Receipt }
  /** 404 with the right to list; for a directory, from a root that is this vault's and not an empty mount point. */
  | { readonly kind: "missing"; readonly text: string }
  /** 403, time-out, an answer that makes no sense: nothing may be concluded. */
  | { readonly kind: "unknown"; readonly text: string };

/**
 * A store that cannot forget. Written natively for each cloud; every one passes test/suite/vault-suite.ts; no base class.
 * All methods may be called concurrently for different keys. Methods that meet lapsed credentials reject with code `paused`;
 * an unusable store is code `vault`.
 */
export interface Vault {
  readonly name: string;
  readonly store: "directory" | "s3" | "azure-blob" | "gcs";
  /** The mode this vault locks with, and whether a bypassable lock is accepted as sealed. */
  readonly mode: LockMode;

  /** The URI that this key has here, by today's configuration alone: nothing is asked of the store. Throws `usage` for what is no key. */
  locate(key: string): string;

  /**
   * Stores once, under retention, never over anything. Durable when it resolves. Repeating an identical put of the same key
   * and journal succeeds without a second object or version; a different object under the key rejects with `object-exists`.
   * Parts that the journal has and the store still holds (asked, not assumed) are compared by digest and not sent again; a
   * difference rejects with `source-changed`, naming the raw byte range. Aborting keeps what is journaled.
   */
  put(request: PutRequest, signal: AbortSignal): Promise<Stored>;

  /** Reads back version, size, checksum, lock, date and hold. Never assumes; never throws for what the store says. */
  attest(stored: Stored, encoding: "identity" | "zstd", signal: AbortSignal): Promise<ObjectState>;

  /** Bytes [offset, offset+length) of exactly that version. Rejects if the store gives fewer. */
  read(ref: StoredRef, offset: number, length: number, signal: AbortSignal): AsyncIterable<Uint8Array>;

  /**
   * Everything under keys that begin with `prefix` and come after the key `after`, by key in byte order; of a key each version and
   * each delete marker, so that a second version does not hide behind the newest. The whole list or a rejection, never a part of it.
   */
  list(prefix: string, after: string | null, signal: AbortSignal): AsyncIterable<Listed>;

  /** Later only: an earlier date is refused here (`refused`) before the store is asked. */
  extend(ref: StoredRef, retainUntil: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Earlier, where the lock is a governance lock and the credentials may bypass it; `refused` for every other lock. */
  shorten(ref: StoredRef, retainUntil: string, signal: AbortSignal): Promise<readonly string[]>;
  hold(ref: StoredRef, on: boolean, signal: AbortSignal): Promise<readonly string[]>;

  /**
   * Deletes exactly this version for good. `refused` where the store shows a hold or a retention that has not ended, or does not
   * show whether there is one; that it denies the deletion is an answer. Only attest() tells that nothing is there any more.
   */
  dispose(ref: StoredRef, signal: AbortSignal): Promise<Disposal>;

  /** Whether this store belongs to that account of a cloud (for AWS: twelve digits). `unknown`: the store does not tell. */
  ownedBy(account: string, signal: AbortSignal): Promise<"yes" | "no" | "unknown">;

  /** Tries what must be refused, on a sentinel object of its own, never on evidence. */
  probe(signal: AbortSignal): Promise<readonly ProbeAnswer[]>;

  /**
   * Begins (`token` null) or finds again an upload that a host fills by itself. Null where this store cannot issue links that
   * write one part and nothing else.
   */
  land(request: LandingRequest, token: string | null, signal: AbortSignal): Promise<OpenLanding | null>;

  /** Removes an unfinished upload of this token. Finished objects are never touched. Safe to repeat. */
  abandon(key: string, token: string, signal: AbortSignal): Promise<void>;
  close(): void;
}
