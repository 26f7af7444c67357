import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hostCollector } from "../../../collectors/host/host-collector.ts";
import type { Plan, Wish } from "../../../src/core/plan.ts";
import { makeParent, nowhere, placeAt, signal, temporary, window } from "./gathering.ts";

const here = { kind: "host", id: "host:local" } as const;

function wish(over: Partial<Wish> = {}): Wish {
  return { kinds: null, window, disks: [], pids: [], logs: [], compress: "auto", contain: null, ...over };
}

function planFor(root: string, over: Partial<Wish> = {}): Promise<Plan> {
  return hostCollector(placeAt(root)).plan(here, wish(over), signal);
}

describe("the plan for a host", () => {
  test.for<[string, Partial<Wish>, readonly string[]]>([
    ["nothing special", {}, ["memory", "state", "flow-logs", "access-logs"]],
    ["two kinds", { kinds: ["access-logs", "state"] }, ["state", "access-logs"]],
    ["a disk besides", { disks: ["/dev/nothing"] }, ["memory", "state", "flow-logs", "access-logs", "disk-image:/dev/nothing"]],
    ["a disk and one kind", { kinds: ["state"], disks: ["/dev/nothing"] }, ["state", "disk-image:/dev/nothing"]],
    ["processes besides", { pids: [12, 7, 12] }, ["memory", "memory:pid-12", "memory:pid-7", "state", "flow-logs", "access-logs"]],
    ["memory of processes only", { kinds: ["memory"], pids: [12] }, ["memory:pid-12"]],
    ["a log and no kind for it", { kinds: ["state"], logs: ["/var/log/app"] }, ["state", "access-logs"]],
    ["what a host has not", { kinds: ["disk", "capture", "services"] }, []],
  ])("asked for %s: the steps in the order of volatility", async ([, over, ids]) => {
    using home = temporary();
    const plan = await planFor(home.path, over);
    expect(plan.steps.map((step) => step.id)).toEqual(ids);
    expect(plan.steps.map((step) => step.rank)).toEqual(plan.steps.map((step) => step.rank).sort((a, b) => a - b));
    expect(plan.without.map((item) => item.kind).sort()).toEqual(["capture", "disk", "services"]);
  });

  test("is the same data for the same wish, and survives a journal", async () => {
    using home = temporary();
    const [first, second] = [await planFor(home.path, { disks: ["/x"], pids: [3] }), await planFor(home.path, { disks: ["/x"], pids: [3] })];
    expect(second).toEqual(first);
    expect(JSON.parse(JSON.stringify(first))).toEqual(first);
  });

  test("changes nothing on the target", async () => {
    using home = temporary();
    writeFileSync(makeParent(join(home.path, "var/log/auth.log")), "x");
    mkdirSync(join(home.path, "dev/shm"), { recursive: true });
    const picture = (): unknown =>
      readdirSync(home.path, { recursive: true, encoding: "utf8" }).map((name) => [name, lstatSync(join(home.path, name), { bigint: true })]);
    const before = picture();
    await planFor(home.path, { logs: ["/var/log"] });
    expect(picture()).toEqual(before);
  });

  test("sums the bytes of the logs, and says beforehand what cannot be had", async () => {
    using home = temporary();
    writeFileSync(makeParent(join(home.path, "var/log/auth.log")), Buffer.alloc(1234));
    writeFileSync(makeParent(join(home.path, "var/log/audit/audit.log")), Buffer.alloc(66));
    const plan = await planFor(home.path, { disks: ["/no/disk"] });
    const step = (id: string): Plan["steps"][number] | undefined => plan.steps.find((one) => one.id === id);
    expect(step("access-logs")?.estimate.bytes).toBe(1300);
    expect(step("memory")?.title).toMatch(/will be unavailable: .*no \/proc\/kcore/);
    expect(step("disk-image:/no/disk")?.title).toMatch(/will be unavailable/);
    expect(plan.steps.every((one) => one.footprint.writtenBytes === 0)).toBe(true);
  });

  test("names from the command line reach no terminal raw", async () => {
    using home = temporary();
    const plan = await planFor(home.path, { disks: ["/dev/\x1b[2J"], logs: ["/var/\x07\n"] });
    expect(plan.steps.map((step) => step.id + step.title + step.calls.map((call) => call.call)).join("")).not.toMatch(/[\x00-\x1f]/);
  });

  test("Windows is refused step by step, with the reason", async () => {
    using home = temporary();
    const windows = hostCollector(placeAt(home.path, { platform: "win32" }));
    const plan = await windows.plan(here, wish(), signal);
    expect(plan.steps).toEqual([]);
    expect(plan.without.map((item) => item.kind)).toEqual(expect.arrayContaining(["state", "memory", "flow-logs", "access-logs", "disk-image"]));
    const linux = await planFor(home.path);
    for (const step of linux.steps)
      expect(await windows.open(step, nowhere, signal)).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringMatching(/win32/) });
  });

  test("macOS has what it has, and names the rest", async () => {
    using home = temporary();
    const plan = await hostCollector(placeAt(home.path, { platform: "darwin" })).plan(here, wish(), signal);
    expect(plan.steps.map((step) => step.id)).toEqual(["state", "flow-logs", "access-logs"]);
    expect(plan.without).toContainEqual({ kind: "memory", why: expect.stringMatching(/only Linux/) });
  });

  test("a step that was never planned here is refused", async () => {
    using home = temporary();
    const collector = hostCollector(placeAt(home.path));
    const step = (await planFor(home.path, { kinds: ["state"] })).steps[0];
    if (step === undefined) throw new Error("a step was planned");
    await expect(collector.open({ ...step, kind: "disk-image" }, nowhere, signal)).rejects.toThrow(/not one that the host collector planned/);
    await expect(collector.act(step, null, nowhere, signal)).rejects.toThrow(/no acts/);
    expect(() => collector.plan({ kind: "ssh", id: "ssh://x" }, wish(), signal)).toThrow(/takes host:local/);
    expect(await collector.cleanup(step, nowhere, signal)).toEqual([]);
  });
});

const asOther = ordinaryUser();

describe("as an ordinary user", () => {
  test.skipIf(asOther === null)("what is refused is denied file by file, and what is readable is taken", { timeout: 60_000 }, () => {
    using home = temporary();
    execFileSync("chmod", ["755", home.path]);
    for (const [name, mode] of [
      ["auth.log", "000"],
      ["wtmp", "644"],
      ["secret/inner.log", "000"],
    ] as const) {
      const path = makeParent(join(home.path, "var/log", name));
      writeFileSync(path, name);
      execFileSync("chmod", [mode, path]);
    }
    execFileSync("chmod", ["000", join(home.path, "var/log/secret")]);
    using again = new DisposableStack();
    again.defer(() => execFileSync("chmod", ["-R", "u+rwX", home.path])); // else its owner could not remove it
    writeFileSync(join(home.path, "disk.img"), "x", { mode: 0o000 });
    const script = `
      const { hostCollector } = await import(${JSON.stringify(new URL("../../../collectors/host/host-collector.ts", import.meta.url).href)});
      const out = {};
      for (const root of [${JSON.stringify(home.path)}, "/"]) {
        const collector = hostCollector({ root, clock: () => new Date(), platform: "linux", arch: "x64", uid: process.getuid(), avml: null });
        const signal = new AbortController().signal;
        const wish = { kinds: root === "/" ? ["state"] : ["access-logs", "disk-image"], window: ${JSON.stringify(window)}, disks: root === "/" ? [] : ["/disk.img"], pids: root === "/" ? [1] : [], logs: root === "/" ? [] : ["/var/log"], compress: "auto", contain: null };
        for (const step of (await collector.plan({ kind: "host", id: "host:local" }, wish, signal)).steps) {
          const opened = await collector.open(step, null, signal);
          if (opened.kind === "none") { out[root === "/" ? "real " + step.id : step.id] = opened; continue; }
          for await (const piece of opened.source.bytes(signal));
          out[root === "/" ? "real " + step.id : step.id] = opened.source.report();
        }
      }
      console.log(JSON.stringify(out));`;
    const [program = "", ...args] = asOther ?? [];
    const out = JSON.parse(execFileSync(program, [...args, "--input-type=module", "-e", script], { encoding: "utf8", maxBuffer: 1 << 28 }));
    expect(out["access-logs"]).toMatchObject({ outcome: "truncated", detail: "2 of 3 files denied", files: 1 });
    expect(out["access-logs"].coverage.gaps).toEqual([
      { what: "/var/log/auth.log", outcome: "denied", reason: expect.stringMatching(/EACCES/) },
      { what: "/var/log/secret", outcome: "denied", reason: expect.stringMatching(/entries are unknown/) },
    ]);
    expect(out["disk-image:/disk.img"]).toMatchObject({ kind: "none", outcome: "denied" });
    expect(out["real memory:pid-1"]).toMatchObject({ kind: "none", outcome: "denied" });
    expect(out["real state"].outcome).toBe("truncated");
    const gaps: readonly { readonly what: string; readonly outcome: string }[] = out["real state"].coverage.gaps;
    expect(gaps).toContainEqual(expect.objectContaining({ what: "/etc/shadow", outcome: "denied" }));
    expect(gaps.filter((gap) => gap.what.startsWith("/proc/1: "))).toMatchObject([{ outcome: "denied" }]);
  });
});

/** The words that run this Node as nobody: by setpriv for root, as it is for everybody else; null where neither works. */
function ordinaryUser(): readonly string[] | null {
  if (process.getuid?.() !== 0) return [process.execPath];
  const words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath];
  try {
    execFileSync(
      words[0] ?? "",
      [...words.slice(1), "-e", `require("node:fs").accessSync(${JSON.stringify(new URL("../../../collectors/host/plan.ts", import.meta.url).pathname)})`],
      { stdio: "ignore" },
    );
    return words;
  } catch {
    return null;
  }
}
