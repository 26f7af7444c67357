import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Kind } from "../../src/core/kind.ts";
import type { Call, Plan, Step, Wish } from "../../src/core/plan.ts";
import { printable } from "../../src/core/printable.ts";
import type { Target } from "../../src/core/target.ts";
import { accessLogItems } from "./access-logs.ts";
import { lookAtDisk } from "./disk-image.ts";
import { lookAtMemory } from "./memory-look.ts";
import { onPlace, type Place } from "./place.ts";
import { pidsOf } from "./read-or-null.ts";
import { absentActs, rooms } from "./rooms.ts";
import { HoldfastError, systemCode } from "../../src/core/error.ts";

type Draft = Pick<Step, "id" | "kind" | "title" | "rank" | "calls" | "input"> & {
  readonly bytes: number | null;
  readonly tools?: readonly string[];
  readonly exclusive?: boolean;
};

/** Ranks are design.md's "Order of a plan". */
const rank = { memory: 2, state: 3, flow: 3, logs: 5, image: 6 };

/** Reads sizes and rights, and writes nothing; a disk is opened only to see whether it may be. */
export async function planHost(place: Place, target: Target, wish: Wish, signal: AbortSignal): Promise<Plan> {
  if (wish.contain !== null)
    throw new HoldfastError("refused", `${target.id} cannot be isolated: ${absentActs.find(({ room }) => room === "contain")?.why ?? ""}`);
  const asked = new Set<Kind>(wish.kinds ?? ["memory", "state", "flow-logs", "access-logs"]);
  if (wish.disks.length > 0) asked.add("disk-image");
  if (wish.logs.length > 0) asked.add("access-logs");
  const wanted = (kind: Kind): boolean => asked.has(kind) && rooms.some((room) => room.kind === kind && room.has.includes(place.platform));

  const steps: Step[] = [];
  if (wanted("memory") && (wish.pids.length === 0 || wish.kinds === null)) steps.push(await memoryStep(place));
  for (const pid of new Set(wish.pids)) steps.push(step(processDraft(pid)));
  if (wanted("state")) steps.push(await stateStep(place));
  if (wanted("flow-logs")) steps.push(step(flowDraft(wish)));
  if (wanted("access-logs")) steps.push(await logsStep(place, wish, signal));
  for (const disk of new Set(wish.disks.map((path) => resolve(path)))) steps.push(await diskStep(place, disk));

  const without = rooms
    .filter((room) => !room.has.includes(place.platform) || (room.kind === "disk-image" && wish.disks.length === 0 && asked.has("disk-image")))
    .map((room) => ({ kind: room.kind, why: room.has.includes(place.platform) ? "no disk is named: add --disk PATH" : room.why }));
  return {
    schema: "holdfast.plan/1",
    target: target.id,
    provider: "host",
    path: `${target.id} → this process → vault (no freeze: ${absentActs[0]?.why ?? ""}; no isolation: ${absentActs[1]?.why ?? ""})`,
    window: wish.window,
    steps,
    without,
  };
}

async function memoryStep(place: Place): Promise<Step> {
  const look = await lookAtMemory(place);
  const ready = look.kind === "ready";
  return step({
    id: "memory",
    kind: "memory",
    title: ready ? "whole memory, by the pinned AVML" : `whole memory (will be ${look.outcome}: ${look.detail})`,
    rank: rank.memory,
    calls: [
      reads("/proc/kcore, /proc/iomem", "root, no kernel lockdown"),
      { call: "a named pipe in /dev/shm, removed at the end", needs: "root", changes: true },
    ],
    input: {},
    bytes: ready ? look.estimate : 0,
    tools: ready ? [`${printable(look.tool.path)} (sha256 ${look.tool.sha256})`] : [],
    exclusive: true,
  });
}

function processDraft(pid: number): Draft {
  return {
    id: `memory:pid-${pid}`,
    kind: "memory",
    title: `memory of process ${pid}`,
    rank: rank.memory,
    calls: [reads(`/proc/${pid}/{maps,smaps,pagemap,mem}`, "root or CAP_SYS_PTRACE")],
    input: { pid },
    bytes: null,
  };
}

async function stateStep(place: Place): Promise<Step> {
  const processes = (await pidsOf(place)).length;
  return step({
    id: "state",
    kind: "state",
    title: "processes, sockets, kernel, network, users, units, packages",
    rank: rank.state,
    calls: [
      reads("/proc, /sys, /etc, /run, /var/lib, home directories", "root for all of it; an ordinary user gets what is readable"),
      { call: "ip neigh, ip rule, ip route (IPv6 neighbours and policy routing have no file)", needs: "nothing", changes: false },
    ],
    input: {},
    // Measured: about 20 kB of archive a process, and 25 MB of kernel symbols, settings, units and package lists.
    bytes: processes * 20_000 + 25_000_000,
    tools: ["ip"],
  });
}

function flowDraft(wish: Wish): Draft {
  return {
    id: "flow-logs",
    kind: "flow-logs",
    title: "connection tracking, socket tables, packet filter",
    rank: rank.flow,
    calls: [
      reads("/proc/net", "root for connection tracking"),
      { call: "nft, iptables-save, conntrack, where the kernel part is loaded already", needs: "root", changes: false },
    ],
    input: { window: wish.window },
    bytes: 2_000_000,
  };
}

async function logsStep(place: Place, wish: Wish, signal: AbortSignal): Promise<Step> {
  const input = { window: wish.window, logs: wish.logs.map((path) => resolve(path)) };
  let bytes = 0;
  for await (const item of accessLogItems(place, input, signal)) {
    const stat = item.kind === "file" ? await statOr(onPlace(place, item.path)) : null;
    if (stat?.isFile() === true) bytes += Number(stat.size);
  }
  const named = input.logs.length === 0 ? "" : `, and ${input.logs.map((path) => printable(path)).join(", ")}`;
  return step({
    id: "access-logs",
    kind: "access-logs",
    title: `logins, authentication, audit, journal${named}`,
    rank: rank.logs,
    calls: [reads("/var/log, /run/log/journal", "root, or the groups adm and systemd-journal")],
    input,
    bytes,
  });
}

async function diskStep(place: Place, disk: string): Promise<Step> {
  const look = await lookAtDisk(place, disk);
  const shown = printable(disk);
  const said = look.kind === "none" ? ` (will be ${look.outcome}: ${look.detail})` : look.uses.length > 0 ? ` (live: ${look.uses.join(", ")})` : "";
  return step({
    id: `disk-image:${shown}`,
    kind: "disk-image",
    title: `image of ${shown}${said}`,
    rank: rank.image,
    calls: [reads(shown, "read access to it")],
    input: { disk },
    bytes: look.kind === "none" ? 0 : look.size,
  });
}

function step(draft: Draft): Step {
  const { bytes, tools, exclusive, ...rest } = draft;
  return {
    ...rest,
    does: "exhibit",
    lane: "host",
    after: [],
    undoable: false,
    footprint: { writtenBytes: 0, tools: tools ?? [] },
    estimate: { bytes, seconds: bytes === null ? null : Math.ceil(bytes / 200_000_000) },
    exclusive: exclusive ?? false,
  };
}

function reads(what: string, needs: string): Call {
  return { call: `read ${what}`, needs, changes: false };
}

async function statOr(path: Buffer): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return null;
  }
}
