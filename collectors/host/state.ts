import { lstat } from "node:fs/promises";
import type { StreamSource } from "../../src/core/source.ts";
import { systemCode } from "../../src/core/error.ts";
import { bundle } from "./bundle.ts";
import { commandItem } from "./command.ts";
import { fileItem, type Item } from "./item.ts";
import { colonRows } from "./names.ts";
import { netDirectories, netItems, socketTable } from "./network.ts";
import { joinPath, onPlace, type Place } from "./place.ts";
import { type ProcessFindings, processItems } from "./processes.ts";
import { linkOrNull, namesOrNone } from "./read-or-null.ts";
import { homeFiles, homeTrees, netFiles, socketFiles, type StateSpot, stateSpots } from "./state-files.ts";
import { entriesOf, matching, unlistable, walk } from "./walk.ts";

export function state(place: Place): StreamSource {
  return bundle({
    name: "state.tar",
    place,
    items: (signal) => stateItems(place, signal),
    asked: null,
    nothing: { outcome: "unavailable", detail: "nothing of the machine's state could be found" },
    covered: null,
    remark: null,
  });
}

async function* stateItems(place: Place, signal: AbortSignal): AsyncGenerator<Item> {
  if (place.platform === "darwin") yield* darwinRunning(place, signal);
  else yield* linuxRunning(place, signal);
  for (const spot of stateSpots[place.platform] ?? []) yield* spotItems(place, spot, signal);
  yield* homeItems(place, signal);
}

async function* linuxRunning(place: Place, signal: AbortSignal): AsyncGenerator<Item> {
  const found: ProcessFindings = { lines: [], owners: new Map(), deleted: new Set() };
  // Sockets live shorter than processes: their tables first, who holds them after.
  const directories = await netDirectories(place);
  yield* netItems(directories, socketFiles);
  yield* processItems(place, found, signal);
  const processes = Buffer.from(found.lines.map((line) => `${line}\n`).join(""));
  yield { kind: "made", member: "derived/processes.jsonl", source: "derived:/proc/PID, read once more", bytes: processes, reason: null };
  yield await socketTable(place, directories, found.owners);
  yield* netItems(directories, netFiles);
  const ip = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"];
  // No file has these: IPv6 neighbours and policy routing are given by netlink only.
  yield await commandItem(place, { programs: ip, args: ["-6", "neigh", "show"], member: "command/ip-6-neigh.txt", absent: "absent" }, signal);
  yield await commandItem(place, { programs: ip, args: ["rule", "show"], member: "command/ip-rule.txt", absent: "absent" }, signal);
  yield await commandItem(place, { programs: ip, args: ["route", "show", "table", "all"], member: "command/ip-route-all.txt", absent: "absent" }, signal);
}

/** macOS has no /proc: what runs is told by its own programs only, and what they do not tell is a gap. */
async function* darwinRunning(place: Place, signal: AbortSignal): AsyncGenerator<Item> {
  const line = { member: null, type: "unknown", size: "0", sha256: null, outcome: "unavailable" as const };
  yield {
    kind: "named",
    line: {
      ...line,
      path: "/proc",
      source: "file:/proc",
      reason: "macOS has no /proc: executables' digests, maps, environments and open files of processes are not taken",
    },
  };
  yield await commandItem(
    place,
    { programs: ["/bin/ps"], args: ["-axwwo", "pid,ppid,uid,lstart,command"], member: "command/ps.txt", absent: "unavailable" },
    signal,
  );
  yield await commandItem(place, { programs: ["/usr/sbin/netstat"], args: ["-anv"], member: "command/netstat.txt", absent: "unavailable" }, signal);
  yield await commandItem(place, { programs: ["/sbin/ifconfig"], args: ["-a"], member: "command/ifconfig.txt", absent: "unavailable" }, signal);
  yield await commandItem(place, { programs: ["/usr/sbin/arp"], args: ["-an"], member: "command/arp.txt", absent: "unavailable" }, signal);
  yield await commandItem(place, { programs: ["/usr/bin/last"], args: [], member: "command/last.txt", absent: "unavailable" }, signal);
}

async function* spotItems(place: Place, spot: StateSpot, signal: AbortSignal): AsyncGenerator<Item> {
  if ("in" in spot) yield* matching(place, spot.in, spot.names, signal);
  else if ("trees" in spot) {
    // Where /lib is a link to /usr/lib, the same units are taken there.
    const merged = (await linkOrNull(place, "/lib")) !== null;
    for (const tree of spot.trees) if (!(merged && tree.startsWith("/lib/"))) yield* walk(place, Buffer.from(tree), "absent", signal);
  } else if ("each" in spot) yield* eachItems(place, spot.each, spot.files);
  else for (const file of spot.files) yield fileItem(file, "absent");
}

async function* eachItems(place: Place, directory: string, files: readonly string[]): AsyncGenerator<Item> {
  let names: readonly Buffer[];
  try {
    names = await entriesOf(place, directory);
  } catch (error) {
    yield unlistable(Buffer.from(directory), error, "absent");
    return;
  }
  for (const name of names)
    for (const file of files) {
      const path = joinPath(joinPath(directory, name), file);
      if (await isThere(place, path)) yield fileItem(path, "absent");
    }
}

async function* homeItems(place: Place, signal: AbortSignal): AsyncGenerator<Item> {
  const homes = new Set<string>(place.platform === "darwin" ? ["/private/var/root"] : ["/root"]);
  for (const row of await colonRows(place, "/etc/passwd")) if (row[5] !== undefined && /^\/[^/]/.test(row[5])) homes.add(row[5]);
  for (const top of ["/home", "/Users"]) for (const name of await namesOrNone(place, top)) homes.add(`${top}/${name}`);
  for (const home of [...homes].sort()) {
    if (home.startsWith("/proc") || home.startsWith("/dev") || home.startsWith("/sys")) continue;
    // Only what is there: forty absent lines for each of forty service accounts would bury the rest.
    for (const file of homeFiles) if (await isThere(place, joinPath(home, file))) yield fileItem(joinPath(home, file), "absent");
    for (const tree of homeTrees) if (await isThere(place, joinPath(home, tree))) yield* walk(place, joinPath(home, tree), "absent", signal);
  }
}

/** A directory that may not be searched counts as there, so that its files are named as denied. */
async function isThere(place: Place, path: Uint8Array): Promise<boolean> {
  try {
    await lstat(onPlace(place, path));
    return true;
  } catch (error) {
    const code = systemCode(error);
    return code === "EACCES" || code === "EPERM";
  }
}
