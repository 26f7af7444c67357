import { lstat, readFile } from "node:fs/promises";
import { systemCode } from "../../src/core/error.ts";
import type { StreamSource } from "../../src/core/source.ts";
import type { Window } from "../../src/core/window.ts";
import { bundle } from "./bundle.ts";
import { commandItem } from "./command.ts";
import type { Item } from "./item.ts";
import type { FileOutcome } from "../../src/stream/archive-manifest.ts";
import { netDirectories, netItems } from "./network.ts";
import { onPlace, type Place } from "./place.ts";
import { textOrNull } from "./read-or-null.ts";
import { netFiles, socketFiles } from "./state-files.ts";
import { walk } from "./walk.ts";

const conntrackFiles = ["nf_conntrack", "nf_conntrack_expect", "stat/nf_conntrack", "stat/nf_conntrack_expect"];
const filterFiles = [
  "ip_tables_names",
  "ip_tables_matches",
  "ip_tables_targets",
  "ip6_tables_names",
  "ip6_tables_matches",
  "ip6_tables_targets",
  "arp_tables_names",
  "netfilter/nf_log",
  "netfilter/nfnetlink_log",
  "netfilter/nfnetlink_queue",
];

/** A host keeps no history of its flows: this is what its kernel knows at the moment. */
export function flowLogs(place: Place, window: Window): StreamSource {
  return bundle({
    name: "flow-logs.tar",
    place,
    items: (signal) => flowLogItems(place, signal),
    asked: window,
    nothing: { outcome: "source-disabled", detail: "the kernel shows no network tables" },
    covered: null,
    remark: "the tables of the moment: the kernel keeps no history of connections",
  });
}

async function* flowLogItems(place: Place, signal: AbortSignal): AsyncGenerator<Item> {
  if (place.platform !== "linux") {
    yield named("/proc/net", "unavailable", `${place.platform} shows its connection and filter tables in no file`);
    yield await commandItem(place, { programs: ["/sbin/pfctl"], args: ["-s", "all"], member: "command/pfctl.txt", absent: "unavailable" }, signal);
    yield await commandItem(place, { programs: ["/usr/sbin/netstat"], args: ["-anv"], member: "command/netstat.txt", absent: "unavailable" }, signal);
    return;
  }
  const directories = await netDirectories(place);
  yield* netItems(directories, [...conntrackFiles, ...socketFiles, ...netFiles, ...filterFiles]);
  yield* walk(place, Buffer.from("/proc/sys/net/netfilter"), "absent", signal);
  yield* conntrack(place, signal);
  yield* rules(place, signal);
}

async function* conntrack(place: Place, signal: AbortSignal): AsyncGenerator<Item> {
  if ((await look(place, "/proc/net/nf_conntrack")) !== "absent") return;
  if ((await look(place, "/proc/sys/net/netfilter/nf_conntrack_count")) === "absent") {
    yield named("connection tracking", "source-disabled", "nf_conntrack is not loaded: the kernel tracks no connections");
    return;
  }
  // Asking by netlink would load a module where it is not there yet: a change of the suspect that nobody asked for.
  if ((await look(place, "/sys/module/nf_conntrack_netlink")) === "absent" && !(await builtIn(place, "nf_conntrack_netlink"))) {
    yield named(
      "connection tracking",
      "unavailable",
      "connections are tracked, but this kernel shows them only through nf_conntrack_netlink, which is not loaded",
    );
    return;
  }
  yield await commandItem(
    place,
    { programs: ["/usr/sbin/conntrack", "/usr/bin/conntrack"], args: ["-L", "-o", "extended"], member: "command/conntrack.txt", absent: "unavailable" },
    signal,
  );
}

/** Rules and counters have no file; the tools are run only where what they ask is loaded already. */
async function* rules(place: Place, signal: AbortSignal): AsyncGenerator<Item> {
  const nftables = (await look(place, "/sys/module/nf_tables")) !== "absent" || (await builtIn(place, "nf_tables"));
  const legacy = await Promise.all(["ip_tables_names", "ip6_tables_names"].map((name) => tableNames(place, `/proc/net/${name}`)));
  if (!nftables && legacy.every((tables) => tables === null)) {
    yield named("packet filter", "source-disabled", "neither nf_tables nor ip_tables is there: the kernel filters nothing");
    return;
  }
  if (nftables)
    yield await commandItem(
      place,
      { programs: ["/usr/sbin/nft", "/sbin/nft"], args: ["-a", "list", "ruleset"], member: "command/nft-ruleset.txt", absent: "unavailable" },
      signal,
    );
  for (const [index, tool] of ["iptables", "ip6tables"].entries()) {
    const programs = [`/usr/sbin/${tool}-legacy-save`, `/sbin/${tool}-legacy-save`, `/usr/sbin/${tool}-save`, `/sbin/${tool}-save`];
    for (const table of legacy[index] ?? [])
      yield await commandItem(place, { programs, args: ["-c", "-t", table], member: `command/${tool}-${table}.txt`, absent: "unavailable" }, signal);
  }
}

/** Null: the kernel has no such filter. A refusal shows as a denied member; nothing can be concluded from it here. */
async function tableNames(place: Place, path: string): Promise<readonly string[] | null> {
  try {
    const text = await readFile(onPlace(place, path), "latin1");
    return text.split("\n").filter((name) => /^[a-z]{1,31}$/.test(name));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    return [];
  }
}

async function look(place: Place, path: string): Promise<"there" | "absent"> {
  try {
    await lstat(onPlace(place, path));
    return "there";
  } catch (error) {
    return systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR" ? "absent" : "there";
  }
}

/** A module that is part of the kernel has no directory in /sys/module unless it has parameters. */
async function builtIn(place: Place, module: string): Promise<boolean> {
  const release = (await textOrNull(place, "/proc/sys/kernel/osrelease"))?.trim() ?? "";
  const list = (await textOrNull(place, `/lib/modules/${release}/modules.builtin`)) ?? "";
  return list.split("\n").some((line) => line.endsWith(`/${module}.ko`));
}

function named(what: string, outcome: FileOutcome, reason: string): Item {
  return { kind: "named", line: { path: what, member: null, type: "unknown", source: "file:/proc/net", size: "0", sha256: null, outcome, reason } };
}
