import { readFile } from "node:fs/promises";
import { systemCode } from "../../src/core/error.ts";
import { linkOf } from "./block-device.ts";
import { fileItem, type Item } from "./item.ts";
import { onPlace, type Place } from "./place.ts";
import { parseSockets } from "./sockets.ts";
import { socketFiles } from "./state-files.ts";
import { entriesOf } from "./walk.ts";

/** Directories of /proc that show the network as one namespace sees it; our own first. */
export async function netDirectories(place: Place): Promise<readonly { readonly space: string; readonly directory: string }[]> {
  const own = (await linkOf(place, "/proc/self/ns/net"))?.toString("latin1") ?? "own";
  const found = new Map<string, string>([[own, "/proc/net"]]);
  for (const pid of await pidsOf(place)) {
    const space = (await linkOf(place, `/proc/${pid}/ns/net`))?.toString("latin1");
    if (space !== undefined && !found.has(space)) found.set(space, `/proc/${pid}/net`);
  }
  return [...found].map(([space, directory]) => ({ space, directory }));
}

export async function* netItems(directories: readonly { readonly directory: string }[], files: readonly string[]): AsyncGenerator<Item> {
  for (const { directory } of directories) for (const name of files) yield fileItem(`${directory}/${name}`, directory === "/proc/net" ? "absent" : "vanished");
}

/** Every socket of every namespace with the processes that hold it: the tables and /proc/PID/fd, joined by inode. */
export async function socketTable(place: Place, directories: readonly { readonly space: string; readonly directory: string }[], owners: ReadonlyMap<string, readonly { readonly pid: number; readonly fd: number; readonly comm: string }[]>): Promise<Item> {
  const lines: string[] = [];
  for (const { space, directory } of directories)
    for (const protocol of socketFiles) {
      const bytes = await readOr(place, `${directory}/${protocol}`);
      for (const row of parseSockets(protocol, bytes)) lines.push(JSON.stringify({ ...row, netNamespace: space, owners: owners.get(row.inode) ?? [], from: [`${directory}/${protocol}`, "/proc/PID/fd"] }));
    }
  const text = lines.map((line) => `${line}\n`).join("");
  return { kind: "made", member: "derived/sockets.jsonl", source: "derived:/proc/net and /proc/PID/fd, read once more", bytes: Buffer.from(text), reason: null };
}

async function pidsOf(place: Place): Promise<readonly number[]> {
  try {
    return (await entriesOf(place, "/proc")).map(String).filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

async function readOr(place: Place, path: string): Promise<Buffer> {
  try {
    return await readFile(onPlace(place, path));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return Buffer.alloc(0); // the member of this path has the outcome
  }
}
