import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { accessLogs } from "../../../collectors/host/access-logs.ts";
import { gather, lineOf, makeParent, placeAt, signal, tar, temporary, unpackAndCompare, window } from "./gathering.ts";

function logs(root: string): string {
  return makeParent(join(root, "var/log/x")).slice(0, -2);
}

describe("a hostile log folder", () => {
  test("names with newlines, escapes, dots and invalid UTF-8 come out exact in the archive and printable everywhere else", async () => {
    using home = temporary();
    const log = logs(home.path);
    const hostile = ["line\nbreak", "\x1b]0;owned\x07\x1b[2J", "..%2f..%2fetc", "...", " ", "-rf", "tab\there", "a\\b", "\u202egnp.exe", "'\"$(id)`id`"].map(
      (name) => Buffer.from(name),
    );
    hostile.push(Buffer.from([0xff, 0xfe, 0x80]), Buffer.concat([Buffer.from("x"), Buffer.alloc(254, 0xc3)]), Buffer.from("é"));
    for (const name of hostile) writeFileSync(Buffer.concat([Buffer.from(`${log}/`), name]), name);
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: ["/var/log"] }), home.path);
    expect(got.report.outcome).toBe("collected");
    expect(got.report.files).toBe(hostile.length);
    expect(unpackAndCompare(got)).toBe(hostile.length);
    const shown = JSON.stringify(got.report) + got.lines.map((line) => `${line.path}${line.member}${line.source}${line.reason}`).join("");
    expect(shown).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
    expect(got.lines.filter((line) => line.pathBase64 !== undefined).length).toBeGreaterThanOrEqual(6);
  });

  test("pipes, sockets, dangling and circling links, empty files and devices break nothing and are named", { timeout: 10_000 }, async () => {
    using home = temporary();
    const log = logs(home.path);
    execFileSync("mkfifo", [join(log, "pipe")]);
    const server = createServer().listen(join(log, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    symlinkSync("/nowhere/at/all", join(log, "dangling"));
    symlinkSync("circle", join(log, "circle"));
    symlinkSync("/etc", join(log, "out"));
    writeFileSync(join(log, "empty"), "");
    writeFileSync(join(log, "full"), "x");
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: ["/var/log"] }), home.path);
    server.close();
    expect(got.report.outcome).toBe("truncated");
    expect(got.report.coverage?.gaps.map((gap) => gap.what).sort()).toEqual(["/var/log/pipe", "/var/log/socket"]);
    expect(lineOf(got, "/var/log/dangling")).toMatchObject({ type: "link", link: "/nowhere/at/all", outcome: "recorded" });
    expect(lineOf(got, "/var/log/out")).toMatchObject({ type: "link", link: "/etc" });
    expect(lineOf(got, "/var/log/empty")).toMatchObject({ size: "0", outcome: "empty" });
    expect(tar("-tvf", got.archive).toString()).toMatch(/^l.* root\/var\/log\/circle -> circle$/m);
    expect(got.listing.some((name) => name.startsWith("root/var/log/out/"))).toBe(false);
  });

  test("a link that leads out of a mounted root is not followed into our own machine", async () => {
    using home = temporary();
    using elsewhere = temporary();
    writeFileSync(join(elsewhere.path, "auth.log"), "ours");
    mkdirSync(join(home.path, "var"));
    symlinkSync(elsewhere.path, join(home.path, "var/log"));
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: ["/var/log/auth.log"] }), home.path);
    expect(got.listing).toEqual(["manifest.jsonl"]);
    expect(lineOf(got, "/var/log/auth.log").reason).toMatch(/leads out/);
  });

  test("a link that is named leads to what it names, and both are taken", async () => {
    using home = temporary();
    mkdirSync(join(home.path, "real"));
    writeFileSync(join(home.path, "real/a.log"), "a");
    symlinkSync("real", join(home.path, "link"));
    const got = await gather(accessLogs(placeAt("/"), { window, logs: [join(home.path, "link")] }), home.path);
    expect(lineOf(got, join(home.path, "link"))).toMatchObject({ type: "link", outcome: "recorded" });
    expect(lineOf(got, join(realpathSync(home.path), "real/a.log"))).toMatchObject({ outcome: "collected" });
  });

  test("reading leaves the access time as it was", async () => {
    using home = temporary();
    const log = logs(home.path);
    writeFileSync(join(log, "auth.log"), "x");
    utimesSync(join(log, "auth.log"), 1_000_000_000, 1_500_000_000);
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: [] }), home.path);
    expect(lineOf(got, "/var/log/auth.log")).toMatchObject({ atime: "2001-09-09T01:46:40.000000000Z", mtime: "2017-07-14T02:40:00.000000000Z" });
    expect(statSync(join(log, "auth.log")).atimeMs).toBe(1_000_000_000_000);
  });

  test("an automount point is not entered", async () => {
    using home = temporary();
    const log = logs(home.path);
    writeFileSync(makeParent(join(log, "journal/remote/x.journal")), "x");
    writeFileSync(makeParent(join(home.path, "proc/self/mountinfo")), "40 1 0:30 / /var/log/journal/remote rw - autofs systemd-1 rw\n");
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: [] }), home.path);
    expect(lineOf(got, "/var/log/journal/remote")).toMatchObject({ outcome: "recorded", reason: expect.stringMatching(/automount/) });
    expect(got.listing).toEqual(["manifest.jsonl"]);
  });

  test("a growing log is taken to its length at opening", async () => {
    using home = temporary();
    const log = logs(home.path);
    writeFileSync(join(log, "auth.log"), Buffer.alloc(3_000_000, "a"));
    const source = accessLogs(placeAt(home.path), { window, logs: ["/var/log/auth.log"] });
    const bytes = source.bytes(signal)[Symbol.asyncIterator]();
    const first = await bytes.next(); // the header: the file is open and its length said
    appendFileSync(join(log, "auth.log"), Buffer.alloc(1_000_000, "b"));
    const pieces = [Buffer.from(first.value ?? [])];
    for (let next = await bytes.next(); next.done !== true; next = await bytes.next()) pieces.push(Buffer.from(next.value));
    const archive = join(home.path, "grown.tar");
    writeFileSync(archive, Buffer.concat(pieces));
    expect(tar("-xOf", archive, "root/var/log/auth.log").equals(Buffer.alloc(3_000_000, "a"))).toBe(true);
    expect(tar("-xOf", archive, "manifest.jsonl").toString()).toMatch(/grew to 4000000 bytes/);
    expect(source.report().outcome).toBe("collected");
  });

  test("a log cut while it is read is truncated: real bytes counted and hashed, the rest of the member said to be zeros", async () => {
    using home = temporary();
    const log = logs(home.path);
    writeFileSync(join(log, "auth.log"), Buffer.alloc(3_000_000, "a"));
    const source = accessLogs(placeAt(home.path), { window, logs: ["/var/log/auth.log"] });
    const bytes = source.bytes(signal)[Symbol.asyncIterator]();
    const pieces = [Buffer.from((await bytes.next()).value ?? [])];
    truncateSync(join(log, "auth.log"), 1_000_000);
    for (let next = await bytes.next(); next.done !== true; next = await bytes.next()) pieces.push(Buffer.from(next.value));
    const archive = join(home.path, "cut.tar");
    writeFileSync(archive, Buffer.concat(pieces));
    const member = tar("-xOf", archive, "root/var/log/auth.log");
    const line = JSON.parse(
      tar("-xOf", archive, "manifest.jsonl")
        .toString()
        .split("\n")
        .find((text) => text.includes("auth.log")) ?? "",
    );
    expect(line).toMatchObject({ size: "1000000", paddedTo: "3000000", outcome: "truncated" });
    expect(member.length).toBe(3_000_000);
    expect(member.subarray(0, 1_000_000).equals(Buffer.alloc(1_000_000, "a"))).toBe(true);
    expect(source.report().outcome).toBe("truncated");
  });

  test("a log that vanishes between being listed and being opened is a gap", async () => {
    using home = temporary();
    const log = logs(home.path);
    for (const name of ["a", "b", "c"]) writeFileSync(join(log, name), name);
    const source = accessLogs(placeAt(home.path), { window, logs: ["/var/log"] });
    const bytes = source.bytes(signal)[Symbol.asyncIterator]();
    await bytes.next();
    renameSync(join(log, "b"), join(home.path, "gone"));
    for (let next = await bytes.next(); next.done !== true; next = await bytes.next());
    expect(source.report()).toMatchObject({ outcome: "truncated", detail: "1 of 3 files unavailable" });
  });

  test("a sparse log of 300 GiB is read in flat memory, and can be stopped", async () => {
    using home = temporary();
    const log = logs(home.path);
    const file = openSync(join(log, "huge.log"), "w");
    ftruncateSync(file, 300 * 1024 ** 3);
    closeSync(file);
    const source = accessLogs(placeAt(home.path), { window, logs: ["/var/log/huge.log"] });
    const stop = new AbortController();
    const before = process.memoryUsage.rss();
    let total = 0;
    await expect(async () => {
      for await (const piece of source.bytes(stop.signal)) {
        total += piece.length;
        if (total > 256 * 1024 ** 2) stop.abort();
      }
    }).rejects.toThrow(/abort/i);
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1024 ** 2);
  });

  test.skipIf(process.getuid?.() === 0)("as an ordinary user: a file without read permission is denied by name", async () => {
    using home = temporary();
    const log = logs(home.path);
    for (const name of ["auth.log", "secure"]) writeFileSync(join(log, name), name);
    chmodSync(join(log, "secure"), 0);
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: [] }), home.path);
    expect(got.report).toMatchObject({ outcome: "truncated", detail: "1 of 2 files denied" });
  });

  test("a file that is being written all the time does not keep the reading from ending", { timeout: 20_000 }, async () => {
    using home = temporary();
    const log = logs(home.path);
    writeFileSync(join(log, "auth.log"), "x");
    const writer = spawn("sh", ["-c", `while :; do echo line >> "${join(log, "auth.log")}"; done`]);
    try {
      const got = await gather(accessLogs(placeAt(home.path), { window, logs: [] }), home.path);
      expect(got.report.outcome).toBe("collected");
    } finally {
      writer.kill("SIGKILL");
    }
  });
});
