import type { Kind } from "../../src/core/kind.ts";
import type { Wish } from "../../src/core/plan.ts";
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

/** Of these kinds alone are the steps of a room; of the others' wishes the room itself knows. */
const kindsOf: Readonly<Record<string, readonly Kind[]>> = {
  state: ["state"],
  "flow-logs": ["flow-logs"],
  snapshots: ["disk", "disk-image"],
  disk: ["disk", "disk-image"],
  "disk-copy": ["disk", "disk-image"],
  "disk-image": ["disk-image"],
};

/** The rooms that a wish may concern: those that it cannot are not even loaded, since memory fades meanwhile (measured: 40 ms for all). */
export function roomsFor({ kinds, logs, contain }: Pick<Wish, "kinds" | "logs" | "contain">): readonly (() => Promise<Room>)[] {
  const concerns = (name: string): boolean => {
    if (name === "contain") return contain !== null;
    if (name === "access-logs") return logs.length > 0 || kinds === null || kinds.includes(name); // a log's name is checked in any case
    const own = kindsOf[name];
    return own === undefined || kinds === null || own.some((kind) => kinds.includes(kind));
  };
  return Object.entries(rooms).flatMap(([name, open]) => (concerns(name) ? [open] : []));
}

/** Kinds that this provider does not offer, and why. */
export const absentKinds: readonly { readonly kind: Kind; readonly why: string }[] = [
  { kind: "capture", why: "packets are captured by VPC Traffic Mirroring, which this release does not set up" },
  { kind: "services", why: "managed services beside the instance are not collected by this release; name their log groups or buckets with --log ARN" },
];
