import type { Place } from "./place.ts";
import { textOrNull } from "./read-or-null.ts";

/** Names of the machine's own users and groups; the number where it has no name. */
export type Names = { user(id: bigint): string; group(id: bigint): string };

export async function loadNames(place: Place): Promise<Names> {
  const [users, groups] = await Promise.all([idTable(place, "/etc/passwd"), idTable(place, "/etc/group")]);
  return { user: (id) => users.get(String(id)) ?? String(id), group: (id) => groups.get(String(id)) ?? String(id) };
}

async function idTable(place: Place, path: string): Promise<ReadonlyMap<string, string>> {
  const table = new Map<string, string>();
  for (const [name, , id] of await colonRows(place, path)) if (name !== undefined && id !== undefined && !table.has(id)) table.set(id, name);
  return table;
}

/** Rows of a passwd-like file; none where it cannot be read: the file itself is a member with its own outcome. */
export async function colonRows(place: Place, path: string): Promise<readonly (readonly string[])[]> {
  const text = (await textOrNull(place, path)) ?? "";
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
}
