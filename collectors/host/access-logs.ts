import type { BigIntStats } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import type { StreamSource } from "../../src/core/source.ts";
import type { Window } from "../../src/core/window.ts";
import { bundle } from "./bundle.ts";
import { fileItem, type Item } from "./item.ts";
import { isoNs, pathFields } from "../../src/stream/archive-manifest.ts";
import { onPlace, type Place } from "./place.ts";
import { matching, walk } from "./walk.ts";

type Spot = { readonly in: string; readonly names: RegExp } | { readonly tree: string };

/** Where systems keep who logged in, who became whom, and what the kernel audited; rotated and compressed files too. */
const spots: Readonly<Record<string, readonly Spot[]>> = {
  linux: [
    {
      in: "/var/log",
      names: /^(auth\.log|secure|messages|syslog|wtmp|btmp|lastlog|faillog|tallylog|sudo\.log|cron|user\.log|daemon\.log|kern\.log)([-._].*)?$/,
    },
    { tree: "/var/log/audit" },
    { tree: "/var/log/journal" },
    { tree: "/run/log/journal" },
    { tree: "/var/log/sudo-io" },
    { tree: "/var/lib/wtmpdb" },
    { tree: "/var/lib/lastlog" },
  ],
  darwin: [
    { in: "/private/var/log", names: /^(system\.log|install\.log|wtmp|authd\.log|asl)([-._].*)?$/ },
    { tree: "/private/var/log/asl" },
    { tree: "/private/var/audit" },
    { tree: "/private/var/db/diagnostics" },
    { tree: "/private/var/db/uuidtext" },
  ],
};

export type AccessLogsInput = { readonly window: Window; readonly logs: readonly string[] };

export function accessLogs(place: Place, input: AccessLogsInput): StreamSource {
  return bundle({
    name: "access-logs.tar",
    place,
    items: (signal) => accessLogItems(place, input, signal),
    asked: input.window,
    nothing: { outcome: "source-disabled", detail: "no authentication, login, audit or journal file is there within the window" },
    covered: ({ from, to }) => overlap(input.window, from, to),
    remark: null,
  });
}

/** What is named by `--log` is always taken; of the usual places, what was written to since the window began. */
export async function* accessLogItems(place: Place, input: AccessLogsInput, signal: AbortSignal): AsyncGenerator<Item> {
  const named = outermost(input.logs.map((path) => resolve(path)));
  for (const path of named) for await (const item of namedLog(place, path, signal)) yield item.kind === "file" ? { ...item, special: "unavailable" } : item;
  for (const spot of spots[place.platform] ?? []) {
    const items = "tree" in spot ? walk(place, Buffer.from(spot.tree), "absent", signal) : matching(place, spot.in, spot.names, signal);
    for await (const item of items) {
      if (item.kind === "file" && named.some((path) => isUnder(item.path, path))) continue;
      yield item.kind === "file" ? await withinWindow(place, { ...item, special: "unavailable" }, input.window) : item;
    }
  }
}

async function* namedLog(place: Place, path: string, signal: AbortSignal): AsyncGenerator<Item> {
  const bytes = Buffer.from(path);
  let real: Buffer;
  try {
    const stat = await lstat(onPlace(place, bytes));
    if (!stat.isSymbolicLink()) {
      yield* walk(place, bytes, "unavailable", signal);
      return;
    }
    yield fileItem(bytes, "unavailable");
    if (place.root !== "/") return; // where the link leads on that machine cannot be asked of this one
    real = await realpath(bytes, { encoding: "buffer" });
  } catch {
    yield fileItem(bytes, "unavailable"); // says itself what is wrong with it
    return;
  }
  yield* walk(place, real, "unavailable", signal);
}

async function withinWindow(place: Place, item: Extract<Item, { kind: "file" }>, window: Window): Promise<Item> {
  let stat: BigIntStats;
  try {
    stat = await lstat(onPlace(place, item.path), { bigint: true });
  } catch {
    return item; // takeFile meets the same error and names it
  }
  // Anyone can set a modification time back; the change time of the inode then tells of it.
  const since = BigInt(new Date(window.since).getTime());
  if (!stat.isFile() || stat.mtimeMs >= since || stat.ctimeMs >= since) return item;
  const reason = `last written ${isoNs(stat.mtimeNs)}, before the window begins`;
  const head = pathFields(item.path);
  return {
    kind: "named",
    line: {
      ...head,
      member: null,
      type: "file",
      source: `file:${head.path}`,
      size: "0",
      sha256: null,
      mtime: isoNs(stat.mtimeNs),
      outcome: "outside-window",
      reason,
    },
  };
}

function overlap(asked: Window, from: string | null, to: string | null): Window | null {
  if (from === null || to === null) return null;
  const since = new Date(Math.max(new Date(asked.since).getTime(), new Date(from).getTime()));
  const until = new Date(Math.min(new Date(asked.until).getTime(), new Date(to).getTime()));
  return since.getTime() <= until.getTime() ? { since: since.toISOString(), until: until.toISOString() } : null;
}

function outermost(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].filter((path, _, all) => !all.some((other) => other !== path && isUnder(Buffer.from(path), other)));
}

function isUnder(path: Uint8Array, directory: string): boolean {
  const text = Buffer.from(path).toString("latin1");
  const top = Buffer.from(directory).toString("latin1");
  return text === top || text.startsWith(top === "/" ? top : `${top}/`);
}
