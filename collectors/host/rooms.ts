import type { Kind } from "../../src/core/kind.ts";

/** Which rooms this provider has on which platform, and why not (design.md, Rooms). */
export type Room = { readonly kind: Kind; readonly has: readonly string[]; readonly why: string };

export const rooms: readonly Room[] = [
  { kind: "state", has: ["linux", "darwin"], why: "this platform's state is not known to this release" },
  { kind: "memory", has: ["linux"], why: "only Linux gives memory without a kernel extension" },
  { kind: "flow-logs", has: ["linux", "darwin"], why: "this platform's network tables are not known to this release" },
  { kind: "access-logs", has: ["linux", "darwin"], why: "this platform's logs are not known to this release" },
  { kind: "disk-image", has: ["linux", "darwin"], why: "raw disks of this platform are not known to this release" },
  { kind: "disk", has: [], why: "a host has no snapshots that a provider could lock; take the bytes with --disk PATH" },
  { kind: "services", has: [], why: "cloud services have logs of their own; a host's are in state and access-logs" },
  { kind: "capture", has: [], why: "packets are not captured on a host under suspicion; capture at its network" },
];

/** Rooms of other providers that are no kinds of evidence. */
export const absentActs: readonly { readonly room: "freeze" | "contain"; readonly why: string }[] = [
  { room: "freeze", why: "nothing outside the host could terminate it on its own" },
  { room: "contain", why: "isolating a host from inside would tell whoever is on it; isolate it at its network" },
];
