import { readFileSync } from "node:fs";

/**
 * Names one process on one boot of one machine, so that a lease whose owner was killed can be taken over at once, and a
 * reused process id is not mistaken for the owner.
 */
export type Owner = { readonly machine: string; readonly pid: number; readonly started: string };

export function ownerOf(pid: number, machine: string): Owner {
  return { machine, pid, started: startOf(pid) ?? "unknown" };
}

/** True, false, or null where it cannot be known from here (another machine). */
export function isAlive(owner: Owner, machine: string): boolean | null {
  if (owner.machine !== machine) return null;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  const started = startOf(owner.pid);
  return started === null || owner.started === "unknown" || started === owner.started;
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)): start time in clock ticks after boot. Null where there is no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie is a dead owner whose parent has not looked yet.
    if (fields[0] === "Z") return "zombie";
    return `${boot}:${fields[19] ?? ""}`;
  } catch {
    return null;
  }
}
