import { printable } from "../../src/core/printable.ts";
import type { Place } from "./place.ts";
import { namesOrNone, textOrNull } from "./read-or-null.ts";

/** What the kernel says of a block device: its bytes, and who may be changing it now. */
export type BlockDevice = { readonly size: number; readonly uses: readonly string[] };

/** Null where /sys does not know the device. Partitions and whatever is stacked on it (LVM, RAID, loop) count as its users. */
export async function blockDevice(place: Place, rdev: bigint): Promise<BlockDevice | null> {
  const number = majorMinor(rdev);
  const home = `/sys/dev/block/${number}`;
  const sectors = await textOrNull(place, `${home}/size`);
  if (sectors === null) return null;
  const uses: string[] = [];
  const mounts = await mountsByDevice(place);
  const swaps = (await textOrNull(place, "/proc/swaps")) ?? "";
  for (const part of [home, ...(await partitions(place, home))]) {
    const own = (await textOrNull(place, `${part}/dev`))?.trim() ?? number;
    uses.push(...(mounts.get(own) ?? []));
    for (const holder of await namesOrNone(place, `${part}/holders`)) uses.push(`used by ${printable(holder)}`);
    const name = /DEVNAME=(.*)/.exec((await textOrNull(place, `${part}/uevent`)) ?? "")?.[1];
    // Filesystems of several devices (btrfs) show a device number of their own, and ours as what they were mounted from.
    if (name !== undefined) uses.push(...(mounts.get(`/dev/${name}`) ?? []));
    if (name !== undefined && swaps.includes(`/dev/${name} `)) uses.push(`${printable(name)} is swap`);
  }
  return { size: Number(sectors.trim()) * 512, uses: [...new Set(uses)] };
}

/** Users of an image file: loop devices made from it that are mounted. */
export async function fileInUse(place: Place, path: string): Promise<readonly string[]> {
  const uses: string[] = [];
  for (const name of (await namesOrNone(place, "/sys/block")).filter((text) => text.startsWith("loop"))) {
    const file = (await textOrNull(place, `/sys/block/${name}/loop/backing_file`))?.replace(/\n$/, "");
    if (file !== path) continue;
    uses.push((await textOrNull(place, `/sys/block/${name}/ro`))?.trim() === "1" ? "" : `${name} can write to it`);
  }
  return uses.filter((text) => text !== "");
}

function majorMinor(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** proc_pid_mountinfo(5): field 3 is the device, 5 the place, 6 the options; after the hyphen the type and what was mounted. */
async function mountsByDevice(place: Place): Promise<ReadonlyMap<string, readonly string[]>> {
  const table = new Map<string, string[]>();
  for (const line of ((await textOrNull(place, "/proc/self/mountinfo")) ?? "").split("\n")) {
    const [, , device, , where, options] = line.split(" ");
    if (device === undefined || where === undefined) continue;
    const said = `mounted at ${printable(where)} (${options?.split(",")[0] === "ro" ? "ro" : "rw"})`;
    for (const key of [device, line.split(" - ")[1]?.split(" ")[1] ?? device]) table.set(key, [...(table.get(key) ?? []), said]);
  }
  return table;
}

async function partitions(place: Place, home: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await namesOrNone(place, home)) if ((await textOrNull(place, `${home}/${name}/partition`)) !== null) found.push(`${home}/${name}`);
  return found;
}
