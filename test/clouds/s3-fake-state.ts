import { randomBytes } from "node:crypto";

/** What the fake knows. Every answer is decided from this and the injected clock, never from who asks how often. */
export type LockModeName = "COMPLIANCE" | "GOVERNANCE";
export type FakeRetention = { readonly mode: LockModeName; readonly until: Date };
export type ChecksumName = "SHA256" | "SHA1" | "CRC32";
export type FakeChecksum = {
  readonly algorithm: ChecksumName;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
  /** Base64; a composite ends in `-N`. */
  readonly value: string;
};

export type FakePart = {
  readonly number: number;
  readonly size: number;
  /** Lower-case hex MD5, unquoted. */
  readonly etag: string;
  readonly checksum: FakeChecksum | null;
  /** null in discard mode. */
  readonly data: Buffer | null;
  readonly modified: Date;
};

export type FakeVersion = {
  readonly key: string;
  readonly id: string;
  readonly marker: boolean;
  readonly modified: Date;
  readonly etag: string;
  readonly size: number;
  readonly checksum: FakeChecksum | null;
  readonly parts: readonly FakePart[] | null;
  readonly data: readonly Buffer[] | null;
  /** Headers given back on GET and HEAD as they came: content-type, x-amz-meta-… and such. */
  readonly headers: Readonly<Record<string, string>>;
  retention: FakeRetention | null;
  hold: boolean | null;
};

export type FakeUpload = {
  readonly id: string;
  readonly key: string;
  readonly started: Date;
  readonly algorithm: ChecksumName | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly retention: FakeRetention | null;
  readonly hold: boolean | null;
  readonly parts: Map<number, FakePart>;
};

export type DefaultRetention = { readonly mode: LockModeName; readonly days: number | null; readonly years: number | null };

export type FakeBucket = {
  readonly name: string;
  /** Null: every Region's signature is taken. */
  region: string | null;
  readonly created: Date;
  versioning: "off" | "Enabled" | "Suspended";
  objectLock: boolean;
  rule: DefaultRetention | null;
  /** Newest first. */
  readonly keys: Map<string, FakeVersion[]>;
  readonly uploads: Map<string, FakeUpload>;
  /** Documents that are there to be read (s3-fake-settings.ts). */
  readonly settings: Map<"policy" | "lifecycle" | "logging", string>;
};

export type FakeState = {
  readonly buckets: Map<string, FakeBucket>;
  readonly clock: () => Date;
  /** Twelve digits. */
  readonly owner: string;
  readonly discard: boolean;
  readonly minPartSize: number;
  /** Operations that an account policy denies: 403, and HEAD leaves out what they would have shown. */
  readonly denied: Set<string>;
};

export function newId(): string {
  return randomBytes(24).toString("base64url");
}

export function newBucket(state: FakeState, name: string, objectLock: boolean, versioning: boolean): FakeBucket {
  const bucket: FakeBucket = {
    name,
    region: null,
    created: state.clock(),
    versioning: objectLock || versioning ? "Enabled" : "off",
    objectLock,
    rule: null,
    keys: new Map(),
    uploads: new Map(),
    settings: new Map(),
  };
  state.buckets.set(name, bucket);
  return bucket;
}

export function currentVersion(bucket: FakeBucket, key: string): FakeVersion | null {
  return bucket.keys.get(key)?.[0] ?? null;
}

/** Makes a version the newest one of its key; without versioning (or suspended) it takes the place of the null version. */
export function addVersion(bucket: FakeBucket, version: Omit<FakeVersion, "id">): FakeVersion {
  const id = bucket.versioning === "Enabled" ? newId() : "null";
  const made: FakeVersion = { ...version, id };
  const others = (bucket.keys.get(version.key) ?? []).filter((v) => id !== "null" || v.id !== "null");
  bucket.keys.set(version.key, [made, ...others]);
  return made;
}

export function removeVersion(bucket: FakeBucket, version: FakeVersion): void {
  const rest = (bucket.keys.get(version.key) ?? []).filter((v) => v !== version);
  if (rest.length === 0) bucket.keys.delete(version.key);
  else bucket.keys.set(version.key, rest);
}
