import { type Ec2Snapshot, type Ec2World, sharedWith, snapshotState } from "./ec2-world.ts";
import { keyNamed, usableBy } from "./ec2-keys.ts";

/** Bytes of a block, of EBS direct as of everything here. */
export const blockSize = 524_288;

/** What was ever written to a volume: never changed in place, so that a snapshot keeps what it captured. */
export type VolumeContent = {
  /** In ascending order, each once. */
  readonly written: readonly number[];
  /** `blockSize` bytes, the same at every call; null where nothing was written. */
  readonly block: (index: number) => Uint8Array | null;
};

export function plantedContent(blocks: ReadonlyMap<number, Uint8Array>): VolumeContent {
  for (const [index, bytes] of blocks) if (bytes.length !== blockSize) throw new RangeError(`block ${index} has ${bytes.length} bytes, not ${blockSize}`);
  return { written: [...blocks.keys()].sort((a, b) => a - b), block: (index) => blocks.get(index) ?? null };
}

/** For volumes that no memory should hold: `make` gives the same bytes for the same index. */
export function generatedContent(written: readonly number[], make: (index: number) => Uint8Array): VolumeContent {
  const known = new Set(written);
  return { written: [...known].sort((a, b) => a - b), block: (index) => (known.has(index) ? make(index) : null) };
}

/** The snapshot, if this account may read its blocks: its own or shared with it, completed, and under a key that it may use. */
export function snapshotContent(world: Ec2World, account: string, id: string, now: Date): Ec2Snapshot | null {
  const snapshot = world.snapshots.find((one) => one.id === id);
  if (snapshot === undefined || !sharedWith(snapshot, account) || snapshotState(snapshot, now) !== "completed") return null;
  if (snapshot.kmsKeyId === null) return snapshot;
  const key = keyNamed(world.kms, snapshot.account, snapshot.region, snapshot.kmsKeyId);
  return key !== null && usableBy(key, account) ? snapshot : null;
}
