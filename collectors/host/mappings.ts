import { type FileHandle, open } from "node:fs/promises";
import { systemCode } from "../../src/core/error.ts";
import { onPlace, type Place } from "./place.ts";
import { readOrNull } from "./read-or-null.ts";

/** One line of /proc/PID/maps (proc_pid_maps(5)). Addresses [start, end). */
export type Mapping = { readonly start: bigint; readonly end: bigint; readonly permissions: string; readonly name: string };
export type Run = { readonly start: bigint; readonly end: bigint };
export type Resident = { readonly mapping: Mapping; readonly runs: readonly Run[]; readonly reason: string | null };

const page = 4096n;

export function parseMaps(bytes: Uint8Array): readonly Mapping[] {
  return Buffer.from(bytes)
    .toString("latin1")
    .split("\n")
    .flatMap((line) => {
      const match = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) [0-9a-f]+ \S+ \d+\s*(.*)$/.exec(line);
      if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return [];
      return [{ start: BigInt(`0x${match[1]}`), end: BigInt(`0x${match[2]}`), permissions: match[3], name: match[4] ?? "" }];
    });
}

/**
 * Which pages the process really holds, in memory or in swap. A runtime reserves terabytes that it never touches: reading
 * those would give zeros for hours, and would make the kernel map them.
 */
export async function residentRuns(place: Place, pid: number, mappings: readonly Mapping[], signal: AbortSignal): Promise<readonly Resident[]> {
  const held = await heldBytes(place, pid);
  let pagemap: FileHandle | null = null;
  try {
    pagemap = await open(onPlace(place, `/proc/${pid}/pagemap`), "r");
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
  try {
    const all: Resident[] = [];
    for (const mapping of mappings) {
      signal.throwIfAborted();
      if (held.get(mapping.start.toString(16)) === 0) all.push({ mapping, runs: [], reason: "no page of it is in memory or swap" });
      else if (pagemap === null)
        all.push(
          mapping.permissions.startsWith("r")
            ? { mapping, runs: [mapping], reason: "pagemap cannot be read: taken whole" }
            : { mapping, runs: [], reason: "pagemap cannot be read, and the process itself may not read it" },
        );
      else all.push({ mapping, runs: await runsOf(pagemap, mapping, signal), reason: null });
    }
    return all;
  } finally {
    await pagemap?.close();
  }
}

/** pagemap (kernel documentation, admin-guide/mm): 8 bytes a page, bit 63 present, bit 62 swapped. */
async function runsOf(pagemap: FileHandle, mapping: Mapping, signal: AbortSignal): Promise<readonly Run[]> {
  const runs: { start: bigint; end: bigint }[] = [];
  const table = Buffer.allocUnsafeSlow(1 << 18);
  for (let at = mapping.start; at < mapping.end; ) {
    signal.throwIfAborted();
    const wanted = Number((mapping.end - at) / page) * 8;
    let bytesRead: number;
    try {
      ({ bytesRead } = await pagemap.read(table, 0, Math.min(wanted, table.length), (at / page) * 8n));
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      bytesRead = 0; // [vsyscall] lies above what pagemap speaks of
    }
    if (bytesRead < 8) break;
    for (let entry = 0; entry + 8 <= bytesRead; entry += 8, at += page) {
      if (((table[entry + 7] ?? 0) & 0xc0) === 0) continue;
      const last = runs.at(-1);
      if (last?.end === at) last.end = at + page;
      else runs.push({ start: at, end: at + page });
    }
  }
  return runs;
}

/** Bytes in memory and swap by mapping start, from smaps; nothing is known of a mapping that is not in the answer. */
async function heldBytes(place: Place, pid: number): Promise<ReadonlyMap<string, number>> {
  const held = new Map<string, number>();
  const text = (await readOrNull(place, `/proc/${pid}/smaps`))?.toString("latin1") ?? "";
  let start = "";
  for (const line of text.split("\n")) {
    const head = /^([0-9a-f]+)-[0-9a-f]+ /.exec(line);
    if (head?.[1] !== undefined) {
      start = BigInt(`0x${head[1]}`).toString(16);
      held.set(start, 0);
    }
    const amount = /^(?:Rss|Swap):\s+(\d+) kB/.exec(line);
    if (amount?.[1] !== undefined) held.set(start, (held.get(start) ?? 0) + Number(amount[1]) * 1024);
  }
  return held;
}
