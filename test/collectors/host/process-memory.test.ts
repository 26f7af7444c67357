import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { parseMaps } from "../../../collectors/host/mappings.ts";
import { processMemory } from "../../../collectors/host/process-memory.ts";
import { gather, lineOf, placeAt, signal, streamOf, temporary } from "./gathering.ts";

const here = placeAt("/");
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process that holds a marker in memory only: it is read from a pipe and never written anywhere. */
async function holder(marker: string, megabytes = 1): Promise<number> {
  const program = `let m = ""; process.stdin.on("data", (d) => { m += d; if (m.length === ${marker.length}) { globalThis.kept = Buffer.alloc(${megabytes} << 20, m); console.log("ready"); setInterval(() => {}, 1000); } });`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  child.stdin?.write(marker);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child.pid ?? 0;
}

describe("the memory of a process", () => {
  test("holds what is nowhere else, in members named by their addresses, with the maps beside them", async () => {
    using home = temporary();
    const marker = `marker-${randomBytes(24).toString("hex")}`;
    const pid = await holder(marker);
    const got = await gather(streamOf(await processMemory(here, pid)), home.path);
    expect(got.report.outcome).toBe("collected");
    const maps = got.read(`root/proc/${pid}/maps`);
    const mappings = parseMaps(maps);
    const members = got.listing.filter((name) => name.startsWith("mem/"));
    expect(members.length).toBeGreaterThan(10);
    for (const member of members) {
      const [start = 0n, end = 0n] = member
        .slice(4)
        .split("-")
        .map((text) => BigInt(`0x${text}`));
      expect(mappings.some((mapping) => mapping.start <= start && end <= mapping.end)).toBe(true);
      expect(lineOf(got, member).size).toBe(String(end - start));
    }
    expect(members.some((member) => got.read(member).includes(marker))).toBe(true);
    const ranges = got
      .read("ranges.jsonl")
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(ranges.map((range) => range.start)).toEqual(mappings.map((mapping) => mapping.start.toString(16)));
    expect(ranges.flatMap((range) => range.members).filter((member) => lineOf(got, member).member !== null)).toEqual(members);
  });

  test("the process goes on as before", async () => {
    const pid = await holder("m");
    const source = streamOf(await processMemory(here, pid));
    for await (const _ of source.bytes(signal)) expect(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.slice(0, 1)).toMatch(/[RSD]/);
    await source.close();
    process.kill(pid, 0);
  });

  test("a process that dies in the middle is truncated, and what it no longer gave is named", async () => {
    const pid = await holder("marker", 40);
    const source = streamOf(await processMemory(here, pid));
    let total = 0;
    for await (const piece of source.bytes(signal)) {
      total += piece.length;
      if (total > 2_000_000 && children.length > 0) {
        const child = children.pop();
        child?.kill("SIGKILL");
        await new Promise((resolve) => child?.once("exit", resolve));
      }
    }
    const report = source.report();
    await source.close();
    expect(report.outcome).toBe("truncated");
    expect(report.coverage?.gaps.length).toBeGreaterThan(0);
    expect(report.coverage?.gaps[0]?.what).toMatch(/^mem\//);
  });

  test("no such process is unavailable", async () => {
    expect(await processMemory(here, 2 ** 22 + 5)).toEqual({ kind: "none", outcome: "unavailable", detail: `there is no process ${2 ** 22 + 5}` });
  });

  test("a kernel thread has none", async (context) => {
    const kernelThread = readdirSync("/proc").includes("2") ? 2 : null;
    if (kernelThread === null || process.getuid?.() !== 0) context.skip();
    const opened = await processMemory(here, 2);
    expect(opened).toMatchObject({ kind: "none" });
  });
});
