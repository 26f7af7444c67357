/**
 * Runs orders here, with `sh`, as the SSM agent does. As root the orders share a mount and process namespace of their own: a
 * small /dev/shm that belongs to this "instance" alone, files put in the place of /proc/iomem and the like, and a power switch
 * that leaves no process behind. Without root it runs them plainly and `isolated` says so.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { heard, type Machine, type Order, type RunningScript, unheard } from "./machine.ts";

export type LocalMachineOptions = {
  /** Bytes of the /dev/shm that orders see; 64 MiB unless said. */
  readonly shmBytes?: number;
  /** Absolute path → text that an order reads there (`/proc/iomem`, `/sys/kernel/security/lockdown`). */
  readonly files?: Readonly<Record<string, string>>;
  /** The PATH of an order: a folder without curl, say. */
  readonly path?: string;
};

export type LocalMachine = Machine &
  AsyncDisposable & {
    readonly isolated: boolean;
    /** What lies in the /dev/shm of the orders now, as `find` names it. */
    left(): Promise<readonly string[]>;
  };

const agentPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export async function startLocalMachine(options: LocalMachineOptions = {}): Promise<LocalMachine> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-machine-"));
  const files = await planted(home, options.files ?? {});
  const holder = process.getuid?.() === 0 ? await hold(files, options.shmBytes ?? 64 * 1024 * 1024) : null;
  if (holder === null && files.length > 0) throw new Error("only root can put files in the place of the machine's own");
  const groups = new Set<number>();
  let orders = 0;
  const next = (): number => {
    orders += 1;
    return orders;
  };
  let off = false;
  const enter = holder === null ? [] : ["nsenter", "--mount", "--pid", "--target", String(holder.inside)];
  const run = (order: Order): RunningScript => {
    if (off) return unheard();
    const script = join(home, `order-${next()}.sh`);
    // The agent writes the script down and calls `sh -c FILE`, so that a #! line is honoured and the text is not in `ps`.
    const [program = "sh", ...args] = [
      ...enter,
      "sh",
      "-c",
      'cat >"$1" && chmod 700 "$1" && cd "$2" && PATH=$3 && exec /bin/sh -c "$1"',
      "agent",
      script,
      order.directory ?? "/",
      options.path ?? agentPath,
    ];
    const child = spawn(program, args, { detached: true, env: { PATH: agentPath, HOME: "/root", ...order.environment } });
    child.stdin.on("error", () => undefined).end(order.script);
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    child.once("exit", () => pid !== undefined && groups.delete(pid));
    return heard(child, () => killGroup(pid));
  };
  const stop = async (): Promise<void> => {
    off = true;
    for (const group of groups) killGroup(group);
    if (holder !== null) {
      killGroup(holder.child.pid);
      if (holder.child.exitCode === null && holder.child.signalCode === null) await new Promise((resolve) => holder.child.once("exit", resolve));
    }
    await rm(home, { recursive: true, force: true });
  };
  return {
    isolated: holder !== null,
    run,
    left: async () => {
      const [program = "find", ...args] = [...enter, "find", "/dev/shm", "-mindepth", "1"];
      const child = spawn(program, args);
      const found = heard(child, () => child.kill());
      await found.ended;
      return found.stdout().split("\n").filter(Boolean);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

type PlantedFile = { readonly target: string; readonly source: string };

async function planted(home: string, files: Readonly<Record<string, string>>): Promise<readonly PlantedFile[]> {
  const made: PlantedFile[] = [];
  for (const [target, text] of Object.entries(files)) {
    const source = join(home, "files", target);
    await mkdir(dirname(source), { recursive: true });
    await writeFile(source, text);
    made.push({ target, source });
  }
  return made;
}

/** A file that does not exist here (securityfs is empty in most containers) needs a folder that can be written: a tmpfs over it. */
const boot = `set -e
mount -t tmpfs -o "size=$1,mode=1777" tmpfs /dev/shm; shift
own_proc() { # nothing can be put into procfs: one of links to it can be added to
  mount -t tmpfs -o size=64k tmpfs /mnt
  mkdir /mnt/proc
  mount -t proc proc /mnt/proc
  mount -t tmpfs -o size=1m tmpfs /proc
  for entry in /mnt/proc/*; do ln -s "$entry" "/proc/\${entry##*/}"; done
}
for file; do
  case $file in /proc/*) [ -e "$file" ] || [ -d /mnt/proc ] || own_proc ;; esac
done
covered=:
while [ $# -gt 0 ]; do
  if [ -h "$1" ]; then
    rm "$1"
    : >"$1"
  elif [ ! -e "$1" ] && [ -d /mnt/proc ] && [ "$(dirname "$1")" = /proc ]; then
    : >"$1"
  elif [ ! -e "$1" ]; then
    folder=$(dirname "$1")
    case $covered in *":$folder:"*) ;; *) mount -t tmpfs -o size=64k tmpfs "$folder"; covered=$covered$folder: ;; esac
    : >"$1"
  fi
  mount --bind "$2" "$1"; shift 2
done
echo ready
exec sleep 2147483647`;

/** `unshare` in a process group of its own; its first child is process 1 inside, and everything inside dies with it. */
async function hold(files: readonly PlantedFile[], shmBytes: number): Promise<{ readonly child: ChildProcess; readonly inside: number } | null> {
  const args = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", boot, "boot", String(shmBytes)];
  const child = spawn("/usr/bin/unshare", [...args, ...files.flatMap(({ target, source }) => [target, source])], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = (): void => killGroup(child.pid);
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const said = heard(child, () => child.kill());
  while (!said.stdout().includes("ready")) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      if (files.length === 0) return null; // a container that may not make namespaces
      throw new Error(`no namespace for a machine: ${said.stderr()}`);
    }
    await sleep(10);
  }
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
  return { child, inside: Number(children.trim()) };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // gone already
  }
}
