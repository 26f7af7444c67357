/** Instances, volumes, snapshots and images of the EC2 stand-in, as plain mutable state: whatever a call finds is decided from here and its time. */
import { type Ec2Network, ec2Network, type Tags } from "./ec2-network-world.ts";
import { type KmsWorld, kmsWorld } from "./kms.ts";
import type { VolumeContent } from "./volume-content.ts";

type Place = { readonly account: string; readonly region: string };

export type InstanceState = "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";

/** Its interfaces and its profile are the network's: `attachment.instance` and `profileAssociations` name it. */
export type Ec2Instance = Place & {
  readonly id: string;
  readonly reservation: string;
  readonly zone: string;
  readonly type: string;
  state: InstanceState;
  /** Why it is not running, as `stateReason` says it. */
  stateReason: { readonly code: string; readonly message: string } | null;
  readonly imageId: string;
  readonly rootDevice: string;
  /** In the order of attachment. A volume is attached to the instances that map it. */
  readonly mappings: { readonly device: string; readonly volume: string; deleteOnTermination: boolean; readonly attached: Date }[];
  /** Devices of the host itself: gone with the instance, never in a snapshot (`ephemeral0` and so on). */
  readonly instanceStore: readonly string[];
  readonly subnet: string;
  readonly vpc: string;
  userData: Uint8Array | null;
  disableApiTermination: boolean;
  disableApiStop: boolean;
  shutdownBehavior: "stop" | "terminate";
  readonly launched: Date;
  readonly tags: Tags;
  readonly architecture: "x86_64" | "arm64";
  readonly platform: "linux" | "windows";
  /** Without it there is no latest console output, only what was posted at boot. */
  readonly nitro: boolean;
  readonly keyName: string | null;
  readonly metadata: { readonly httpTokens: "optional" | "required"; readonly hopLimit: number };
  /** null: EC2 has none. `at` is when it was posted. */
  console: { readonly bytes: Uint8Array; readonly at: Date } | null;
  /** JPEG; null where the instance shows none. */
  screenshot: Uint8Array | null;
  /** Scheduled for it, as DescribeInstanceStatus tells. */
  readonly events: { readonly code: "instance-retirement" | "instance-stop" | "system-reboot"; readonly description: string; readonly notBefore: Date }[];
  readonly health: "ok" | "impaired" | "initializing";
};

export type Ec2Volume = Place & {
  readonly id: string;
  readonly zone: string;
  readonly sizeGiB: number;
  readonly type: "gp2" | "gp3" | "io1" | "io2" | "st1" | "sc1" | "standard";
  /** The ARN of its key; null where it is not encrypted. */
  readonly kmsKeyId: string | null;
  readonly multiAttach: boolean;
  readonly sourceSnapshot: string | null;
  readonly created: Date;
  readonly tags: Tags;
  content: VolumeContent;
};

export type SnapshotLock = {
  readonly mode: "compliance" | "governance";
  readonly created: Date;
  /** Hours, as asked; null without. */
  readonly coolOff: number | null;
  /** Days from its start, or a date. */
  readonly until: { readonly kind: "days"; readonly days: number } | { readonly kind: "date"; readonly date: Date };
};

export type Ec2Snapshot = Place & {
  readonly id: string;
  /** Of a copy it means nothing. */
  readonly volume: string;
  readonly sizeGiB: number;
  readonly kmsKeyId: string | null;
  readonly description: string;
  /** The point in time that it holds. */
  readonly started: Date;
  /** Milliseconds of the server's clock: until then it is pending. Infinity: for ever. */
  readonly doneAt: number;
  readonly ends: { readonly kind: "completed" } | { readonly kind: "error"; readonly message: string };
  readonly copyOf: string | null;
  readonly tags: Tags;
  /** Account ids, and `all` for everyone. */
  readonly shared: Set<string>;
  lock: SnapshotLock | null;
  readonly content: VolumeContent;
};

/** `account` owns it. */
export type Ec2Image = Place & {
  readonly id: string;
  readonly name: string;
  readonly public: boolean;
  readonly architecture: "x86_64" | "arm64";
  readonly platform: "linux" | "windows";
  readonly rootDevice: string;
  readonly snapshot: string;
  readonly sizeGiB: number;
  readonly created: Date;
};

/** Each a way in which the service says one thing and does another. */
export type Ec2Lie =
  /** LockSnapshot answers well, DescribeLockedSnapshots does not show it and nothing is locked. */
  | "lock-accepted-not-there"
  /** A compliance lock without a cooling-off period gets one of 24 hours. */
  | "lock-cooloff"
  /** ModifySnapshotAttribute answers well and nothing is shared. */
  | "share-accepted-not-there"
  /** A copy goes to `error`. */
  | "copy-error";

export type Ec2World = {
  readonly instances: Ec2Instance[];
  readonly volumes: Ec2Volume[];
  readonly snapshots: Ec2Snapshot[];
  readonly images: Ec2Image[];
  readonly network: Ec2Network;
  readonly kms: KmsWorld;
  /** How long a snapshot is pending, and a copy, by the server's clock. */
  snapshotSeconds: number;
  copySeconds: number;
  /** Volumes whose snapshots, when made, will end in `error`. */
  readonly fails: Set<string>;
  /** `account:Operation`: UnauthorizedOperation. */
  readonly denied: Set<string>;
  readonly lies: Set<Ec2Lie>;
  /** So often more the removal of a share is refused with an internal error. */
  shareSticks: number;
  /** So many empty pages with a token before every page that holds something. */
  emptyPages: number;
  /** No page is longer, whatever was asked. */
  pageSize: number;
};

export function ec2World(given: { readonly network?: Ec2Network; readonly kms?: KmsWorld } = {}): Ec2World {
  const network = given.network ?? ec2Network();
  const world: Ec2World = {
    instances: [],
    volumes: [],
    snapshots: [],
    images: [],
    network,
    kms: given.kms ?? kmsWorld(),
    snapshotSeconds: 60,
    copySeconds: 60,
    fails: new Set(),
    denied: new Set(),
    lies: new Set(),
    shareSticks: 0,
    emptyPages: 0,
    pageSize: 1000,
  };
  network.instanceState = (account, region, id) =>
    world.instances.find((one) => one.id === id && one.account === account && one.region === region)?.state ?? null;
  return world;
}

export function snapshotState(snapshot: Ec2Snapshot, now: Date): "pending" | "completed" | "error" {
  return now.getTime() < snapshot.doneAt ? "pending" : snapshot.ends.kind;
}

/** Whether the account owns the snapshot or was let in. */
export function sharedWith({ account, shared }: Ec2Snapshot, other: string): boolean {
  return account === other || shared.has(other) || shared.has("all");
}
