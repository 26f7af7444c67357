import type { Ec2World } from "./ec2-world.ts";
import { snapshotState } from "./ec2-world.ts";
import { snapshotContent, type VolumeContent } from "./volume-content.ts";

/** What an account finds under a snapshot's id. */
export type SnapshotFound =
  | { readonly kind: "blocks"; readonly content: VolumeContent; readonly sizeGiB: number }
  | { readonly kind: "missing" }
  /** Pending, failed, or public: those EBS direct does not read. */
  | { readonly kind: "not-ready"; readonly text: string }
  | { readonly kind: "denied"; readonly reason: "UNAUTHORIZED_ACCOUNT" | "DEPENDENCY_ACCESS_DENIED" };

type Bucket = { readonly perSecond: number; readonly burst: number };

/** What the service says wrong of a block, so many times more. */
export type BlockLie = {
  /** Null: whatever block is asked for. */
  readonly index: number | null;
  readonly kind: "wrong-checksum" | "no-checksum" | "wrong-length" | "flipped-byte" | "short-body";
  times: number;
};

export type EbsWorld = {
  readonly find: (account: string, region: string, id: string, now: Date) => SnapshotFound;
  /** How long the pages of lists are at most, over and over; 0 is an empty page with a token. */
  pages: readonly number[];
  /** By the server's clock, null is none. AWS: 1,000 blocks a second an account and a snapshot, 50 lists a second an account. */
  limits: { readonly blocks: Bucket | null; readonly snapshot: Bucket | null; readonly lists: Bucket | null };
  readonly lies: BlockLie[];
  /** Every token given up to now is no longer taken, whatever its age. */
  readonly expired: { blocks: Date | null; pages: Date | null };
  /** Lists answered; each has tokens of its own. */
  listed: number;
};

export function ebsWorld(find: EbsWorld["find"]): EbsWorld {
  return {
    find,
    pages: [10_000],
    limits: { blocks: null, snapshot: null, lists: null },
    lies: [],
    expired: { blocks: null, pages: null },
    listed: 0,
  };
}

/** The snapshots of the EC2 stand-in. */
export function snapshotsOf(ec2: Ec2World): EbsWorld["find"] {
  return (account, region, id, now) => {
    const snapshot = ec2.snapshots.find((one) => one.id === id && one.region === region);
    if (snapshot === undefined) return { kind: "missing" };
    if (snapshot.account !== account && !snapshot.shared.has(account)) return { kind: "denied", reason: "UNAUTHORIZED_ACCOUNT" };
    if (snapshot.shared.has("all")) return { kind: "not-ready", text: "is public" };
    const state = snapshotState(snapshot, now);
    if (state !== "completed") return { kind: "not-ready", text: `is ${state}` };
    if (snapshotContent(ec2, account, id, now) === null) return { kind: "denied", reason: "DEPENDENCY_ACCESS_DENIED" };
    return { kind: "blocks", content: snapshot.content, sizeGiB: snapshot.sizeGiB };
  };
}
