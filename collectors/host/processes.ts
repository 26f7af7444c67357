import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { printable } from "../../src/core/printable.ts";
import { fileItem, type Item } from "./item.ts";
import { pathFields } from "../../src/stream/archive-manifest.ts";
import { onPlace, type Place } from "./place.ts";
import { explain, readPiece } from "./read-file.ts";
import { linkOrNull, readOrNull } from "./read-or-null.ts";
import { processFiles } from "./state-files.ts";
import { entriesOf, unlistable } from "./walk.ts";

/** What was learnt on the way, for the tables that are derived at the end. */
export type ProcessFindings = {
  /** Digests of the deleted programs whose bytes are members already. */
  readonly deleted: Set<string | null>;
  readonly lines: string[];
  /** Socket inode → who holds it. */
  readonly owners: Map<string, { readonly pid: number; readonly fd: number; readonly comm: string }[]>;
};

type Executable = { readonly sha256: string | null; readonly bytes: number | null; readonly deleted: boolean; readonly reason: string | null };

/**
 * Every process: its files as members, its executable's digest and, where the program has been deleted, the program itself.
 * No process is stopped, so each is described as it was while being looked at.
 */
export async function* processItems(place: Place, found: ProcessFindings, signal: AbortSignal): AsyncGenerator<Item> {
  let names: readonly Buffer[];
  try {
    names = await entriesOf(place, "/proc");
  } catch (error) {
    yield unlistable(Buffer.from("/proc"), error, "unavailable");
    return;
  }
  const pids = names
    .map(String)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  const digests = new Map<string, Executable>();
  for (const pid of pids) {
    signal.throwIfAborted();
    const kernelThread = await isKernelThread(place, pid);
    // A kernel thread answers for its environment as if it had ended.
    for (const name of processFiles) if (!(kernelThread && name === "environ")) yield fileItem(`/proc/${pid}/${name}`, "vanished");
    let executable: Executable | null = null;
    // Under a foreign root the link would lead to our own programs.
    if (!kernelThread && place.root === "/") {
      executable = await executableOf(place, pid, digests, signal);
      if (executable.reason !== null) yield denial(`/proc/${pid}/exe`, executable.reason);
      if (executable.deleted && !found.deleted.has(executable.sha256)) {
        found.deleted.add(executable.sha256);
        yield { ...fileItem(`/proc/${pid}/exe`, "vanished"), member: `deleted/${pid}/exe`, read: "stream", follow: true };
      }
    }
    const fds = await openFiles(place, pid);
    if (fds.error !== null) yield denial(`/proc/${pid}/fd`, fds.error);
    await describe(place, pid, kernelThread, executable, fds.files, found);
  }
}

async function describe(
  place: Place,
  pid: number,
  kernelThread: boolean,
  executable: Executable | null,
  files: readonly { readonly fd: number; readonly target: Buffer }[],
  found: ProcessFindings,
): Promise<void> {
  const status = statusFields((await readOrNull(place, `/proc/${pid}/status`)) ?? Buffer.alloc(0));
  const stat = (await readOrNull(place, `/proc/${pid}/stat`))?.toString("latin1") ?? "";
  // The name in parentheses is the process's own choice and may hold blanks and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (stat === "" && status.size <= 1) return; // it has ended, and its members say so
  const cmdline = (await readOrNull(place, `/proc/${pid}/cmdline`)) ?? Buffer.alloc(0);
  const name = (await readOrNull(place, `/proc/${pid}/comm`)) ?? Buffer.alloc(0);
  const comm = printable(name.at(-1) === 0x0a ? name.subarray(0, -1) : name);
  const [exe, cwd, root, netSpace] = await Promise.all(["exe", "cwd", "root", "ns/net"].map((name) => linkOrNull(place, `/proc/${pid}/${name}`)));
  for (const { fd, target } of files) {
    const inode = /^socket:\[(\d+)\]$/.exec(target.toString("latin1"))?.[1];
    if (inode === undefined) continue;
    const owners = found.owners.get(inode) ?? [];
    owners.push({ pid, fd, comm });
    found.owners.set(inode, owners);
  }
  found.lines.push(
    JSON.stringify({
      pid,
      ppid: numberOf(fields[1]),
      state: fields[0] ?? null,
      session: numberOf(fields[3]),
      startTicks: fields[19] ?? null,
      comm,
      kernelThread,
      uids: status.get("Uid")?.split("\t") ?? null,
      gids: status.get("Gid")?.split("\t") ?? null,
      capabilities: status.get("CapEff") ?? null,
      tracer: numberOf(status.get("TracerPid")),
      seccomp: numberOf(status.get("Seccomp")),
      arguments: splitNul(cmdline).map((word) => printable(word)),
      exe: shown(exe),
      exeSha256: executable?.sha256 ?? null,
      exeBytes: executable?.bytes === undefined || executable.bytes === null ? null : String(executable.bytes),
      exeDeleted: executable?.deleted ?? false,
      cwd: shown(cwd),
      root: shown(root),
      netNamespace: shown(netSpace),
      openFiles: files.map(({ fd, target }) => ({ fd, target: printable(target) })),
      from: [`/proc/${pid}/stat`, `/proc/${pid}/status`, `/proc/${pid}/cmdline`, `/proc/${pid}/comm`, `/proc/${pid}/exe`, `/proc/${pid}/fd`],
    }),
  );
}

/** PF_KTHREAD of the flags in proc_pid_stat(5): names in brackets can be had by anyone who sets argv[0]. */
async function isKernelThread(place: Place, pid: number): Promise<boolean> {
  const stat = (await readOrNull(place, `/proc/${pid}/stat`))?.toString("latin1") ?? "";
  const flags = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[6]);
  return Number.isInteger(flags) && (flags & 0x00200000) !== 0;
}

async function executableOf(place: Place, pid: number, known: Map<string, Executable>, signal: AbortSignal): Promise<Executable> {
  let handle: FileHandle;
  try {
    handle = await open(onPlace(place, `/proc/${pid}/exe`), "r");
  } catch (error) {
    const { outcome, reason } = explain(error, { absent: "vanished", kernel: true });
    return { sha256: null, bytes: null, deleted: false, reason: outcome === "denied" ? reason : null };
  }
  try {
    const stat = await handle.stat({ bigint: true });
    const key = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const hash = createHash("sha256");
    let offset = 0;
    for (;;) {
      signal.throwIfAborted();
      const piece = await readPiece(handle, offset, 1 << 20);
      if (piece.length === 0) break;
      hash.update(piece);
      offset += piece.length;
    }
    // No name left: the link's " (deleted)" can be forged by naming a file so, the link count cannot.
    const executable = { sha256: hash.digest("hex"), bytes: offset, deleted: stat.nlink === 0n, reason: null };
    known.set(key, executable);
    return executable;
  } catch (error) {
    signal.throwIfAborted();
    return { sha256: null, bytes: null, deleted: false, reason: explain(error, { absent: "vanished", kernel: false }).reason };
  } finally {
    await handle.close();
  }
}

async function openFiles(
  place: Place,
  pid: number,
): Promise<{ readonly files: readonly { readonly fd: number; readonly target: Buffer }[]; readonly error: string | null }> {
  let names: readonly Buffer[];
  try {
    names = await entriesOf(place, `/proc/${pid}/fd`);
  } catch (error) {
    const { outcome, reason } = explain(error, { absent: "vanished", kernel: true });
    return { files: [], error: outcome === "denied" ? reason : null };
  }
  const files: { fd: number; target: Buffer }[] = [];
  for (const fd of names.map(Number).sort((a, b) => a - b)) {
    const target = await linkOrNull(place, `/proc/${pid}/fd/${fd}`);
    if (target !== null) files.push({ fd, target });
  }
  return { files, error: null };
}

function denial(path: string, reason: string): Item {
  return {
    kind: "named",
    line: { ...pathFields(Buffer.from(path)), member: null, type: "link", source: `file:${path}`, size: "0", sha256: null, outcome: "denied", reason },
  };
}

function statusFields(bytes: Buffer): ReadonlyMap<string, string> {
  return new Map(
    bytes
      .toString("latin1")
      .split("\n")
      .map((line): [string, string] => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
}

function splitNul(bytes: Buffer): readonly Buffer[] {
  const words: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    words.push(bytes.subarray(at, end < 0 ? bytes.length : end));
    at = end < 0 ? bytes.length : end + 1;
  }
  return words;
}

function shown(link: Buffer | null | undefined): string | null {
  return link === null || link === undefined ? null : printable(link);
}

function numberOf(text: string | undefined): number | null {
  const value = Number(text);
  return text === undefined || text === "" || !Number.isInteger(value) ? null : value;
}
