import { type FileHandle, open, readFile } from "node:fs/promises";
import type { Opened } from "../../src/core/collector.ts";
import { systemCode } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import { bundle } from "./bundle.ts";
import { fileItem, type Item } from "./item.ts";
import { onPlace, type Place } from "./place.ts";
import { explain } from "./read-file.ts";
import { type Mapping, parseMaps, residentRuns } from "./mappings.ts";

/**
 * The memory of one process as a pax archive:
 *   root/proc/PID/{maps,smaps,status,stat,auxv,cmdline,environ}   as the kernel gave them
 *   mem/START-END      raw bytes of the addresses [START, END) (hex), one member for each run of pages that the process holds
 *   ranges.jsonl       every mapping with its runs; what has no member was not in memory: never written (zeros), or still
 *                      only in the file that the mapping names
 *   manifest.jsonl     as in every archive; unreadable pages are named there, and are zeros in their member
 * The process is not stopped: pages are as they were when their turn came.
 */
export async function processMemory(place: Place, pid: number): Promise<Opened> {
  if (place.platform !== "linux")
    return { kind: "none", outcome: "unavailable", detail: `${place.platform} gives no other process's memory without a debugger` };
  let handle: FileHandle;
  let maps: Buffer;
  try {
    handle = await open(onPlace(place, `/proc/${pid}/mem`), "r");
  } catch (error) {
    return refusal(pid, error);
  }
  try {
    maps = await readFile(onPlace(place, `/proc/${pid}/maps`));
  } catch (error) {
    await handle.close();
    return refusal(pid, error);
  }
  const mappings = parseMaps(maps);
  if (mappings.length === 0) {
    await handle.close();
    return { kind: "none", outcome: "unavailable", detail: `process ${pid} has no memory of its own: a kernel thread, or it has ended` };
  }
  const source = bundle({
    name: `memory-pid-${pid}.tar`,
    place,
    items: (signal) => memoryItems(place, pid, handle, mappings, signal),
    asked: null,
    nothing: { outcome: "unavailable", detail: `process ${pid} gave nothing` },
    covered: null,
    remark: null,
  });
  let closed = false;
  return {
    kind: "source",
    source: {
      ...source,
      async close() {
        if (closed) return;
        closed = true;
        await handle.close();
      },
    },
  };
}

async function* memoryItems(place: Place, pid: number, handle: FileHandle, mappings: readonly Mapping[], signal: AbortSignal): AsyncGenerator<Item> {
  for (const name of ["maps", "smaps", "status", "stat", "auxv", "cmdline", "environ"]) yield fileItem(`/proc/${pid}/${name}`, "unavailable");
  const pages = await residentRuns(place, pid, mappings, signal);
  const table = pages.map(({ mapping, runs, reason }) => ({
    ...hexRange(mapping.start, mapping.end),
    permissions: mapping.permissions,
    name: printable(mapping.name),
    members: runs.map((run) => memberName(run.start, run.end)),
    reason,
  }));
  yield {
    kind: "made",
    member: "ranges.jsonl",
    source: `derived:/proc/${pid}/maps, smaps and pagemap`,
    bytes: Buffer.from(table.map((row) => `${JSON.stringify(row)}\n`).join("")),
    reason: null,
  };
  for (const { mapping, runs } of pages)
    for (const run of runs) {
      const size = Number(run.end - run.start);
      if (isKernelPage(mapping)) {
        const line = { path: memberName(run.start, run.end), member: null, type: "memory", source: `file:/proc/${pid}/mem`, size: "0", sha256: null } as const;
        yield {
          kind: "named",
          line: { ...line, outcome: "no-value", reason: `${mapping.name}: a page of the kernel's, which it does not let be read this way` },
        };
        continue;
      }
      yield {
        kind: "range",
        member: memberName(run.start, run.end),
        source: `file:/proc/${pid}/mem`,
        size,
        readAt: async (into, offset) => (await handle.read(into, 0, into.length, run.start + BigInt(offset))).bytesRead,
      };
    }
}

/** The kernel maps these into every process for clock readings; they hold nothing of the process. */
function isKernelPage(mapping: Mapping): boolean {
  return ["[vvar]", "[vvar_vclock]", "[vsyscall]"].includes(mapping.name);
}

function memberName(start: bigint, end: bigint): string {
  return `mem/${start.toString(16)}-${end.toString(16)}`;
}

function hexRange(start: bigint, end: bigint): { readonly start: string; readonly end: string } {
  return { start: start.toString(16), end: end.toString(16) };
}

function refusal(pid: number, error: unknown): Opened {
  const code = systemCode(error);
  if (code === undefined) throw error;
  if (code === "ENOENT" || code === "ESRCH") return { kind: "none", outcome: "unavailable", detail: `there is no process ${pid}` };
  const { outcome, reason } = explain(error, { absent: "unavailable", kernel: false });
  return outcome === "denied"
    ? { kind: "none", outcome: "denied", detail: `memory of process ${pid}: ${reason}; it needs root or CAP_SYS_PTRACE` }
    : { kind: "none", outcome: "unavailable", detail: `memory of process ${pid}: ${reason}` };
}
