/** What a store's lock is worth, in contract.md's words. Only `irrevocable`, read back, is `sealed`. */
export type LockWorth = "irrevocable" | "bypassable" | "removable" | "none" | "unknown";
export type LockMode = "compliance" | "governance" | "locked" | "unlocked" | "directory" | "snapshot";

/** What is asked of a vault: keep until then, in this mode, held or not. */
export type Retention = {
  readonly mode: LockMode;
  /** RFC 3339 UTC, whole seconds. */
  readonly retainUntil: string;
  readonly legalHold: boolean;
};

export type StoredChecksum = {
  readonly algorithm: "sha256";
  readonly type: "full" | "composite";
  /** Base64; a composite is SHA-256 over the concatenated binary part digests, without the `-N` suffix of S3. */
  readonly value: string;
  /** Bytes, decimal string. */
  readonly partSize: string;
};
