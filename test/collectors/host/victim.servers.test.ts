import { execFileSync } from "node:child_process";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { SourceReport } from "../../../src/core/source.ts";

/**
 * A real compromised machine (facts: persistent journald, auditd, a listener that poses as a kernel thread, a deleted-but-running
 * program, a process that holds a marker in memory only, a data disk of known digest). The variable names a program with the
 * commands `start`, `info` (JSON) and `ssh COMMAND`; without it these tests are skipped.
 */
const victim = process.env["HOLDFAST_TEST_VICTIM"] ?? "";
const root = fileURLToPath(new URL("../../../", import.meta.url));
const there = "/dev/shm/holdfast-test";

type Result = {
  readonly outcome: string;
  readonly report: SourceReport | null;
  readonly sha256: string | null;
  readonly kept: Readonly<Record<string, string>>;
};
type Row = { readonly [key: string]: unknown };

/** Runs over there: collects, keeps of each archive what the claims need, prints one JSON object. */
const program = `
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { createWriteStream, rmSync } from "node:fs";
import { hostCollector } from "./collectors/host/host-collector.ts";
const [pid, marker] = process.argv.slice(2);
const signal = new AbortController().signal;
const collector = hostCollector({ root: "/", clock: () => new Date(), platform: "linux", arch: "x64", uid: process.getuid(), avml: null });
const wish = { kinds: ["state", "access-logs", "memory"], window: { since: "2020-01-01T00:00:00.000Z", until: "2099-01-01T00:00:00.000Z" }, disks: ["/dev/vdb"], pids: [Number(pid)], logs: [], compress: "none" };
const out = {};
for (const step of (await collector.plan({ kind: "host", id: "host:local" }, wish, signal)).steps) {
  const opened = await collector.open(step, signal);
  if (opened.kind === "none") { out[step.id] = { outcome: opened.outcome, report: null, sha256: null, kept: {} }; continue; }
  const { source } = opened;
  const hash = createHash("sha256");
  const kept = {};
  if (source.kind === "ranges") {
    const into = Buffer.alloc(1 << 20);
    for (let at = 0; at < source.size; ) { const got = await source.read(into, at, signal); if (got === 0) break; hash.update(into.subarray(0, got)); at += got; }
  } else {
    const archive = "/var/tmp/holdfast-test.tar";
    const file = createWriteStream(archive);
    let tail = Buffer.alloc(0);
    for await (const piece of source.bytes(signal)) {
      hash.update(piece);
      tail = Buffer.concat([tail.subarray(-marker.length), piece]);
      if (step.id.startsWith("memory") && tail.includes(marker)) kept.marker = "found";
      if (!file.write(piece)) await new Promise((resolve) => file.once("drain", resolve));
    }
    await new Promise((resolve) => file.end(resolve));
    kept.listing = execFileSync("tar", ["-tf", archive], { encoding: "utf8" });
    for (const name of ["derived/processes.jsonl", "derived/sockets.jsonl"]) if (kept.listing.includes(name)) kept[name] = execFileSync("tar", ["-xOf", archive, name], { encoding: "utf8", maxBuffer: 1 << 27 });
    rmSync(archive);
  }
  const report = source.report();
  out[step.id] = { outcome: report.outcome, report, sha256: hash.digest("hex"), kept };
  await source.close();
}
console.log(JSON.stringify(out));
`;

describe.skipIf(victim === "")("a compromised machine", () => {
  let info: { readonly marker: string; readonly dataSha256: string };
  let results: Readonly<Record<string, Result>>;
  let markerPid = "";

  beforeAll(() => {
    run(["start"]);
    info = JSON.parse(run(["info"]).toString());
    const node = ["-C", dirname(process.execPath), basename(process.execPath)];
    const pack = execFileSync("tar", ["-czf", "-", "-C", root, "src/core", "src/stream/tar.ts", "collectors/host", ...node], { maxBuffer: 1 << 28 });
    run(["ssh", `rm -rf ${there} && mkdir -p ${there} && tar -C ${there} -xzf -`], pack);
    run(["ssh", `cat > ${there}/run.mjs`], Buffer.from(program));
    markerPid = run(["ssh", "pgrep -f irqbalanced | head -1"]).toString().trim();
    results = JSON.parse(run(["ssh", `cd ${there} && ./node run.mjs ${markerPid} ${info.marker}`]).toString());
    run(["ssh", `rm -rf ${there}`]);
  });

  const rows = (name: string): readonly Row[] =>
    (results["state"]?.kept[name] ?? "")
      .trimEnd()
      .split("\n")
      .map((line): Row => JSON.parse(line));

  test("gives its whole state to root", () => {
    expect(results["state"]).toMatchObject({ outcome: "collected", report: { coverage: { gaps: [] } } });
    for (const name of ["root/etc/cron.d/sysupdate", "root/home/mallory/.ssh/authorized_keys", "root/proc/modules", "root/var/lib/dpkg/status"])
      expect(results["state"]?.kept["listing"]?.split("\n")).toContain(name);
  });

  test("its deleted-but-running program is found, and its bytes are taken", () => {
    const deleted = rows("derived/processes.jsonl").filter((row) => row["exeDeleted"] === true);
    expect(deleted).toMatchObject([{ exe: "/tmp/.x (deleted)" }]);
    expect(results["state"]?.kept["listing"]).toContain(`deleted/${deleted[0]?.["pid"]}/exe`);
  });

  test("the listener that poses as a kernel thread is a program with an open port", () => {
    const [listener] = rows("derived/sockets.jsonl").filter((row) => row["local"] === "0.0.0.0:4444");
    expect(listener).toMatchObject({ state: "LISTEN", owners: [{ comm: expect.stringMatching(/^\[kworker/) }] });
    const owners = Array.isArray(listener?.["owners"]) ? listener["owners"] : [];
    const holder = rows("derived/processes.jsonl").find((row) => row["pid"] === owners[0]?.pid);
    expect(holder).toMatchObject({ kernelThread: false, exe: expect.stringMatching(/perl/), exeSha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test("what is only in a process's memory is in its memory's exhibit", () => {
    expect(results[`memory:pid-${markerPid}`]).toMatchObject({ outcome: "collected", kept: { marker: "found" } });
  });

  test("journal, audit log and login records are taken", () => {
    const listing = results["access-logs"]?.kept["listing"] ?? "";
    expect(results["access-logs"]?.outcome).toBe("collected");
    for (const shape of [/var\/log\/journal\/[0-9a-f]+\/system\.journal$/m, /audit\/audit\.log$/m, /auth\.log$/m, /wtmp$/m, /btmp$/m])
      expect(listing).toMatch(shape);
  });

  test("the image of its data disk has the known digest", () => {
    expect(results["disk-image:/dev/vdb"]).toMatchObject({ outcome: "collected", sha256: info.dataSha256 });
  });
});

function run(args: readonly string[], input: Buffer = Buffer.alloc(0)): Buffer {
  return execFileSync(victim, args, { input, maxBuffer: 1 << 28, stdio: ["pipe", "pipe", "ignore"] });
}
