import { readFile, readdir, readlink } from "node:fs/promises";
import { systemCode } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import { onPlace, type Place } from "./place.ts";

/** What the kernel says of a block device: its bytes, and who may be changing it now. */
export type BlockDevice = { readonly size: number; readonly uses: readonly string[] };

/** Null where /sys does not know the device. Partitions and whatever is stacked on it (LVM, RAID, loop) count as its users. */
export async function blockDevice(place: Place, rdev: bigint): Promise<BlockDevice | null> {
  const number = majorMinor(rdev);
  const home = `/sys/dev/block/${number}`;
  const sectors = await textOf(place, `${home}/size`);
  if (sectors === null) return null;
  const uses: string[] = [];
  const mounts = await mountsByDevice(place);
  const swaps = (await textOf(place, "/proc/swaps")) ?? "";
  for (const part of [home, ...(await partitions(place, home))]) {
    const own = (await textOf(place, `${part}/dev`))?.trim() ?? number;
    uses.push(...(mounts.get(own) ?? []));
    for (const holder of await namesIn(place, `${part}/holders`)) uses.push(`used by ${printable(holder)}`);
    const name = /DEVNAME=(.*)/.exec((await textOf(place, `${part}/uevent`)) ?? "")?.[1];
    if (name !== undefined && swaps.includes(`/dev/${name} `)) uses.push(`${printable(name)} is swap`);
  }
  return { size: Number(sectors.trim()) * 512, uses };
}

/** Users of an image file: loop devices made from it that are mounted. */
export async function fileInUse(place: Place, path: string): Promise<readonly string[]> {
  const uses: string[] = [];
  for (const name of (await namesIn(place, "/sys/block")).filter((text) => text.startsWith("loop"))) {
    const file = (await textOf(place, `/sys/block/${name}/loop/backing_file`))?.replace(/\n$/, "");
    if (file !== path) continue;
    uses.push((await textOf(place, `/sys/block/${name}/ro`))?.trim() === "1" ? "" : `${name} can write to it`);
  }
  return uses.filter((text) => text !== "");
}

function majorMinor(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** proc(5), mountinfo: the third field is the device, the fifth the place, the sixth the options. */
async function mountsByDevice(place: Place): Promise<ReadonlyMap<string, readonly string[]>> {
  const table = new Map<string, string[]>();
  for (const line of ((await textOf(place, "/proc/self/mountinfo")) ?? "").split("\n")) {
    const [, , device, , where, options] = line.split(" ");
    if (device === undefined || where === undefined) continue;
    const list = table.get(device) ?? [];
    list.push(`mounted at ${printable(where)} (${options?.split(",")[0] === "ro" ? "ro" : "rw"})`);
    table.set(device, list);
  }
  return table;
}

async function partitions(place: Place, home: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await namesIn(place, home)) if ((await textOf(place, `${home}/${name}/partition`)) !== null) found.push(`${home}/${name}`);
  return found;
}

async function namesIn(place: Place, directory: string): Promise<readonly string[]> {
  try {
    return await readdir(onPlace(place, directory));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

async function textOf(place: Place, path: string): Promise<string | null> {
  try {
    return await readFile(onPlace(place, path), "utf8");
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return null;
  }
}

/** The target of a link such as /proc/1/ns/net, or null. */
export async function linkOf(place: Place, path: string): Promise<Buffer | null> {
  try {
    return await readlink(onPlace(place, path), { encoding: "buffer" });
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return null;
  }
}
