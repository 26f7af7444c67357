import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import type { FileItem, Item } from "./item.ts";
import { fileItem } from "./item.ts";
import { pathFields } from "./manifest.ts";
import { joinPath, onPlace, type Place, staysInside } from "./place.ts";
import { explain } from "./read-file.ts";

/** A directory that cannot be listed: what lies in it is unknown, which is a gap, unless it is simply not there. */
export function unlistable(path: Buffer, error: unknown, absent: FileItem["absent"]): Item {
  const { outcome, reason } = explain(error, { absent, kernel: false });
  const line = { ...pathFields(path), member: null, type: "directory", source: "file:", size: "0", sha256: null } as const;
  return { kind: "named", line: { ...line, source: `file:${line.path}`, outcome, reason: outcome === "absent" ? reason : `its entries are unknown: ${reason}` } };
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
  let names: Buffer[];
  try {
    names = await entriesOf(place, path);
  } catch (error) {
    yield unlistable(path, error, "unavailable");
    return;
  }
  for (const name of names) yield* walk(place, joinPath(path, name), "unavailable", signal);
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

function absentLine(what: string): Item {
  return { kind: "named", line: { ...pathFields(Buffer.from(what)), member: null, type: "unknown", source: `file:${what}`, size: "0", sha256: null, outcome: "absent", reason: "nothing of this name is there" } };
}
