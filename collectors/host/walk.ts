import type { BigIntStats, Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import type { FileItem, Item } from "./item.ts";
import { fileItem } from "./item.ts";
import { pathFields } from "../../src/stream/archive-manifest.ts";
import { isOwn, joinPath, onPlace, type Place, staysInside } from "./place.ts";
import { explain } from "./read-file.ts";
import { textOrNull } from "./read-or-null.ts";

/** A directory that cannot be listed: what lies in it is unknown, which is a gap, unless it is simply not there. */
export function unlistable(path: Buffer, error: unknown, absent: FileItem["absent"]): Item {
  const { outcome, reason } = explain(error, { absent, kernel: false });
  const line = { ...pathFields(path), member: null, type: "directory", source: "file:", size: "0", sha256: null } as const;
  return {
    kind: "named",
    line: { ...line, source: `file:${line.path}`, outcome, reason: outcome === "absent" ? reason : `its entries are unknown: ${reason}` },
  };
}

export async function entriesOf(place: Place, directory: Uint8Array | string): Promise<Buffer[]> {
  const names = await readdir(onPlace(place, directory), { encoding: "buffer" });
  return names.sort(Buffer.compare);
}

/**
 * Everything under `path`, or `path` itself where it is no directory. Links are yielded, never followed. `absent` speaks of
 * `path`; what was listed and is gone a moment later is a gap.
 */
export async function* walk(place: Place, path: Buffer, absent: FileItem["absent"], signal: AbortSignal): AsyncGenerator<Item> {
  signal.throwIfAborted();
  if (isOwn(place, path)) {
    yield ownFolder(path);
    return;
  }
  let stat: BigIntStats;
  try {
    if (!(await staysInside(place, path))) {
      yield fileItem(path, absent); // takeFile names the link that leads out
      return;
    }
    stat = await lstat(onPlace(place, path), { bigint: true });
  } catch (error) {
    yield unlistable(path, error, absent);
    return;
  }
  if (!stat.isDirectory()) {
    yield fileItem(path, absent);
    return;
  }
  yield* within(place, path, await automounts(place), signal);
}

/** A link is not a directory here, whatever it leads to; a filesystem that does not say what an entry is answers by lstat. */
async function* within(place: Place, directory: Buffer, automounted: ReadonlySet<string>, signal: AbortSignal): AsyncGenerator<Item> {
  signal.throwIfAborted();
  if (isOwn(place, directory)) {
    yield ownFolder(directory);
    return;
  }
  if (automounted.has(directory.toString("latin1"))) {
    yield untouched(directory);
    return;
  }
  let entries: Dirent<Buffer>[];
  try {
    entries = await readdir(onPlace(place, directory), { encoding: "buffer", withFileTypes: true });
  } catch (error) {
    yield unlistable(directory, error, "unavailable");
    return;
  }
  for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
    const path = joinPath(directory, entry.name);
    if (entry.isDirectory()) yield* within(place, path, automounted, signal);
    else yield fileItem(path, "unavailable");
  }
}

/** The entries of one directory whose names fit; one line that says so where none does. */
export async function* matching(place: Place, directory: string, shape: RegExp, signal: AbortSignal): AsyncGenerator<Item> {
  let names: Buffer[];
  try {
    names = await entriesOf(place, directory);
  } catch (error) {
    yield unlistable(Buffer.from(directory), error, "absent");
    return;
  }
  const found = names.filter((name) => shape.test(name.toString("latin1")));
  if (found.length === 0) yield absentLine(`${directory}/${shape.source}`);
  for (const name of found) yield* walk(place, joinPath(directory, name), "unavailable", signal);
}

/** Mount points that mount something when they are entered: looking would change the machine, or wait for a server that is gone. */
async function automounts(place: Place): Promise<ReadonlySet<string>> {
  const points = ((await textOrNull(place, "/proc/self/mountinfo")) ?? "")
    .split("\n")
    .map((line) => ({ where: line.split(" ")[4] ?? "", type: line.split(" - ")[1]?.split(" ")[0] }));
  const last = new Map(points.map(({ where, type }) => [where, type]));
  return new Set([...last].filter(([, type]) => type === "autofs").map(([where]) => where));
}

function untouched(path: Buffer): Item {
  return directoryLine(path, "recorded", "an automount point that is not mounted: entering it would change the machine");
}

function ownFolder(path: Buffer): Item {
  return directoryLine(
    path,
    "unavailable",
    "a folder of Holdfast itself: its keys and its own writing are never evidence; copy what is needed elsewhere first",
  );
}

function directoryLine(path: Buffer, outcome: "recorded" | "unavailable", reason: string): Item {
  const fields = pathFields(path);
  return {
    kind: "named",
    line: { ...fields, member: null, type: "directory", source: `file:${fields.path}`, size: "0", sha256: null, outcome, reason },
  };
}

function absentLine(what: string): Item {
  return {
    kind: "named",
    line: {
      ...pathFields(Buffer.from(what)),
      member: null,
      type: "unknown",
      source: `file:${what}`,
      size: "0",
      sha256: null,
      outcome: "absent",
      reason: "nothing of this name is there",
    },
  };
}
