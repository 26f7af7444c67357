import type { Kind } from "../../src/core/kind.ts";
import type { Room } from "./room.ts";

/** The rooms by name, each loaded when it is used. Their order is that of a plan where ranks are equal. */
export const rooms: Readonly<Record<string, () => Promise<Room>>> = {
  freeze: async () => (await import("./freeze/freeze.ts")).freezeRoom,
  state: async () => (await import("./state/state.ts")).stateRoom,
  memory: async () => (await import("./memory/memory.ts")).memoryRoom,
  "flow-logs": async () => (await import("./flow-logs/flow-logs.ts")).flowLogsRoom,
  "access-logs": async () => (await import("./access-logs/access-logs.ts")).accessLogsRoom,
  contain: async () => (await import("./contain/contain.ts")).containRoom,
  snapshots: async () => (await import("./disk/snapshots.ts")).snapshotsRoom,
  disk: async () => (await import("./disk/disk.ts")).diskRoom,
  "disk-copy": async () => (await import("./disk/disk-copy.ts")).diskCopyRoom,
  "disk-image": async () => (await import("./disk-image/disk-image-room.ts")).diskImageRoom,
};

/** Kinds that this provider does not offer, and why. */
export const absentKinds: readonly { readonly kind: Kind; readonly why: string }[] = [
  { kind: "capture", why: "packets are captured by VPC Traffic Mirroring, which this release does not set up" },
  { kind: "services", why: "managed services beside the instance are not collected by this release; name their log groups or buckets with --log ARN" },
];
