import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { accessLogs } from "../../../collectors/host/access-logs.ts";
import { gather, lineOf, makeParent, placeAt, temporary, unpackAndCompare, window } from "./gathering.ts";

function logs(root: string): string {
  return makeParent(join(root, "var/log/x")).slice(0, -2);
}

describe("access logs of a machine", () => {
  test("rotated and compressed logs, the journal and the audit log are taken as they are", async () => {
    using home = temporary();
    const log = logs(home.path);
    const names = [
      "auth.log",
      "auth.log.1",
      "auth.log.2.gz",
      "secure",
      "wtmp",
      "wtmp.1",
      "btmp",
      "lastlog",
      "audit/audit.log",
      "audit/audit.log.1",
      "journal/0123/system.journal",
      "journal/0123/user-1000@abc.journal~",
    ];
    for (const name of names) writeFileSync(makeParent(join(log, name)), `bytes of ${name}\0`);
    writeFileSync(join(log, "nginx.log"), "not asked for");
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: [] }), home.path);
    expect(got.report.outcome).toBe("collected");
    expect(got.report.files).toBe(names.length);
    expect(got.listing.slice(0, -1).sort()).toEqual(names.map((name) => `root/var/log/${name}`).sort());
    expect(got.listing.at(-1)).toBe("manifest.jsonl");
    expect(got.read("root/var/log/audit/audit.log.1").toString()).toBe("bytes of audit/audit.log.1\0");
    expect(unpackAndCompare(got)).toBe(names.length);
    expect(got.report.coverage?.asked).toEqual(window);
    expect(got.report.coverage?.got).not.toBeNull();
  });

  test("the window bounds the selection, and what was left out is named; a forged modification time is not believed", async () => {
    using home = temporary();
    const log = logs(home.path);
    for (const name of ["auth.log", "auth.log.4.gz"]) writeFileSync(join(log, name), name);
    utimesSync(join(log, "auth.log.4.gz"), 1_000_000_000, 1_000_000_000);
    const since = new Date(Date.now() + 3600_000).toISOString();
    const later = await gather(accessLogs(placeAt(home.path), { window: { since, until: "2099-01-01T00:00:00.000Z" }, logs: [] }), home.path);
    expect(later.report.outcome).toBe("empty");
    expect(lineOf(later, "/var/log/auth.log").outcome).toBe("outside-window");
    expect(later.report.detail).toMatch(/2 files last written before the window left out/);
    const now = await gather(accessLogs(placeAt(home.path), { window, logs: [] }), home.path);
    expect(lineOf(now, "/var/log/auth.log.4.gz").outcome).toBe("collected");
  });

  test("what is named is always taken, the whole tree, once", async () => {
    using home = temporary();
    const log = logs(home.path);
    for (const name of ["auth.log", "app/deep/a.log", "app/b.log"]) writeFileSync(makeParent(join(log, name)), name);
    const since = new Date(Date.now() + 3600_000).toISOString();
    const order = { window: { since, until: "2099-01-01T00:00:00.000Z" }, logs: ["/var/log", "/var/log/app", "/var/log/app/b.log"] };
    const got = await gather(accessLogs(placeAt(home.path), order), home.path);
    expect(got.listing).toEqual(["root/var/log/app/b.log", "root/var/log/app/deep/a.log", "root/var/log/auth.log", "manifest.jsonl"]);
    expect(got.report.outcome).toBe("collected");
  });

  test("a named log that does not exist is a gap", async () => {
    using home = temporary();
    logs(home.path);
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: ["/var/log/nothing"] }), home.path);
    expect(got.report.outcome).toBe("unavailable");
    expect(got.report.coverage?.gaps).toEqual([expect.objectContaining({ what: "/var/log/nothing", outcome: "unavailable" })]);
  });

  test("a machine with no logs at all is `source-disabled`, not empty", async () => {
    using home = temporary();
    const got = await gather(accessLogs(placeAt(home.path), { window, logs: [] }), home.path);
    expect(got.report.outcome).toBe("source-disabled");
    expect(got.lines.every((line) => line.outcome === "absent")).toBe(true);
  });
});
