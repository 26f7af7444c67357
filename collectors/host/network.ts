import { fileItem, type Item } from "./item.ts";
import type { Place } from "./place.ts";
import { linkOrNull, pidsOf, readOrNull } from "./read-or-null.ts";
import { parseSockets } from "./sockets.ts";
import { socketFiles } from "./state-files.ts";

/** Directories of /proc that show the network as one namespace sees it; our own first. */
export async function netDirectories(place: Place): Promise<readonly { readonly space: string; readonly directory: string }[]> {
  const own = (await linkOrNull(place, "/proc/self/ns/net"))?.toString("latin1") ?? "own";
  const found = new Map<string, string>([[own, "/proc/net"]]);
  for (const pid of await pidsOf(place)) {
    const space = (await linkOrNull(place, `/proc/${pid}/ns/net`))?.toString("latin1");
    if (space !== undefined && !found.has(space)) found.set(space, `/proc/${pid}/net`);
  }
  return [...found].map(([space, directory]) => ({ space, directory }));
}

export async function* netItems(directories: readonly { readonly directory: string }[], files: readonly string[]): AsyncGenerator<Item> {
  for (const { directory } of directories) for (const name of files) yield fileItem(`${directory}/${name}`, directory === "/proc/net" ? "absent" : "vanished");
}

/** Every socket of every namespace with the processes that hold it: the tables and /proc/PID/fd, joined by inode. */
export async function socketTable(
  place: Place,
  directories: readonly { readonly space: string; readonly directory: string }[],
  owners: ReadonlyMap<string, readonly { readonly pid: number; readonly fd: number; readonly comm: string }[]>,
): Promise<Item> {
  const lines: string[] = [];
  for (const { space, directory } of directories)
    for (const protocol of socketFiles) {
      const bytes = (await readOrNull(place, `${directory}/${protocol}`)) ?? Buffer.alloc(0);
      for (const row of parseSockets(protocol, bytes))
        lines.push(JSON.stringify({ ...row, netNamespace: space, owners: owners.get(row.inode) ?? [], from: [`${directory}/${protocol}`, "/proc/PID/fd"] }));
    }
  const text = lines.map((line) => `${line}\n`).join("");
  return {
    kind: "made",
    member: "derived/sockets.jsonl",
    source: "derived:/proc/net and /proc/PID/fd, read once more",
    bytes: Buffer.from(text),
    reason: null,
  };
}
