import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GuestPlaces } from "../../../collectors/aws/memory/guest.ts";
import { lime } from "./lime-bytes.ts";

const every: readonly (readonly string[])[] = [["dash"], ["bash", "--posix"], ["busybox", "ash"]];
const isHere = ([program = ""]: readonly string[]): boolean => programPath(program) !== null;

/** POSIX shells that a host may have as `sh`, as far as this machine has them. */
export const shells: readonly (readonly string[])[] = every.filter(isHere);
/** Those that it has not: their tests are skipped by name. */
export const absentShells: readonly (readonly string[])[] = every.filter((shell) => !isHere(shell));

export const image: Buffer = Buffer.concat([lime(0x1000n, Buffer.alloc(300_000, 1)), lime(0x100000n, Buffer.alloc(700_000, 2))]);

export type GuestHost = {
  readonly places: GuestPlaces;
  /** Where the scripts may write: in a real tmpfs. */
  readonly shm: string;
  readonly home: string;
  /** A program in the place of the memory tool: gets the image's path in $image and the pipe's in $out. */
  tool(script: string): { readonly bytes: Buffer; readonly sha256: string };
  run(script: string, shell: readonly string[]): Promise<GuestRun>;
  start(script: string, shell: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<GuestRun> };
  leftovers(): readonly string[];
  [Symbol.dispose](): void;
};

export type GuestRun = { readonly status: number | null; readonly out: string; readonly said: string; readonly answer: Readonly<Record<string, unknown>> };

/** A host's /proc and /sys as files, its tmpfs real, and only those programs on its PATH that are named. */
export function guestHost(programs: readonly string[] = hostPrograms): GuestHost {
  const home = mkdtempSync(join(tmpdir(), "holdfast-guest-"));
  const shm = mkdtempSync("/dev/shm/holdfast-test-");
  for (const [path, text] of [
    ["proc/kcore", ""],
    ["proc/iomem", "00001000-0009efff : System RAM\n000a0000-000fffff : Reserved\n00100000-00bfffff : System RAM\n  00200000-002fffff : Kernel code\n"],
    ["proc/meminfo", "MemTotal:       12000 kB\n"],
    ["proc/sys/kernel/random/boot_id", "6f9d2c1b-8e7a-4f30-95d1-c0b2a3948576\n"],
    ["sys/kernel/security/lockdown", "[none] integrity confidentiality\n"],
  ] as const) {
    mkdirSync(join(home, path, ".."), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const bin = join(home, "bin");
  mkdirSync(bin);
  for (const name of programs) {
    const real = programPath(name);
    if (real !== null) symlinkSync(real, join(bin, name));
  }
  writeFileSync(join(bin, "uname"), "#!/bin/sh\ncase $1 in -m) echo x86_64 ;; *) echo 6.1.0-test ;; esac\n");
  chmodSync(join(bin, "uname"), 0o755);
  writeFileSync(join(home, "image"), image);
  const places: GuestPlaces = { proc: join(home, "proc"), sys: join(home, "sys"), candidates: [shm], path: bin, uid: process.getuid?.() ?? 0 };
  const start = (script: string, [program = "sh", ...args]: readonly string[]) => {
    // Its own process group, as the agent starts it.
    const child = spawn(programPath(program) ?? program, [...args, "-c", script], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: "/usr/bin:/bin" },
      detached: true,
    });
    const out: Buffer[] = [];
    const said: Buffer[] = [];
    child.stdout.on("data", (piece: Buffer) => out.push(piece));
    child.stderr.on("data", (piece: Buffer) => said.push(piece));
    const ended = new Promise<GuestRun>((resolve) =>
      child.on("close", (status) => {
        const text = Buffer.concat(out).toString();
        resolve({ status, out: text, said: Buffer.concat(said).toString(), answer: text.startsWith("{") ? JSON.parse(text) : {} });
      }),
    );
    return { child, ended };
  };
  return {
    places,
    shm,
    home,
    tool(script) {
      const bytes = Buffer.from(`#!/bin/sh\nfor out; do :; done\nimage=${home}/image\n${script}\n`);
      return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
    },
    start,
    run: (script, shell) => start(script, shell).ended,
    leftovers: () => readdirSync(shm),
    [Symbol.dispose]() {
      rmSync(home, { recursive: true, force: true });
      rmSync(shm, { recursive: true, force: true });
    },
  };
}

export const hostPrograms: readonly string[] = [
  ..."awk base64 cat chmod cmp curl cut date dd df env grep head id kill ls md5sum mkdir mkfifo mktemp mount mv od openssl rm rmdir".split(" "),
  ..."sed setsid sh sha256sum sleep sort tail tr umount wc".split(" "),
];

export function programPath(name: string): string | null {
  return ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"].map((place) => join(place, name)).find((path) => existsSync(path)) ?? null;
}

/** The same host with busybox for everything that busybox has. */
export function busyboxHost(): GuestHost {
  const host = guestHost(["curl", "openssl"]);
  execFileSync(programPath("busybox") ?? "busybox", [
    "sh",
    "-c",
    `for name in ${hostPrograms.join(" ")}; do busybox "$name" --help >/dev/null 2>&1 && [ ! -e "$1/$name" ] && ln -s "$2" "$1/$name"; done; :`,
    "sh",
    host.places.path,
    programPath("busybox") ?? "busybox",
  ]);
  return host;
}
