import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { image } from "./guest-host.ts";
import { type MemoryRig, openMemoryRig, partSize, whole } from "./memory-rig.ts";
import type { Drive } from "./step-drive.ts";
import { takePushed } from "./take-pushed.ts";

const isolated = process.getuid?.() === 0;
if (!isolated) test.skip("NOT PROVEN: without root there is no machine whose agent could run the scripts", () => {});

let rig: MemoryRig;
beforeEach(async () => {
  rig = await openMemoryRig();
});
afterEach(async () => {
  await expectAsModelled(rig.fake);
  expect(rig.store.violations).toEqual([]);
  await rig.close();
});

test.runIf(isolated)("the whole memory lands as the tool gave it, and nothing is left on the host", { timeout: 60_000 }, async () => {
  const collector = rig.collector();
  const drive = await rig.drive();
  expect(drive.step("memory")).toMatchObject({ does: "exhibit", lane: "memory", exclusive: true, title: expect.stringContaining("by the pinned AVML") });
  const source = await rig.push(collector, drive);
  expect(source).toMatchObject({ name: "memory.lime", continues: true, partSize });
  const { report, bytes } = await takePushed(rig.vault, source);
  expect(bytes.equals(image)).toBe(true);
  expect(report).toMatchObject({ outcome: "collected", coverage: { gaps: [] } });
  expect(report.detail).toContain("2 records with 1000000 bytes of memory");
  expect(report.detail).toContain("System RAM in the host's own /proc/iomem");
  expect(report.detail).toMatch(/as executed, by the host's word: SHA-256 [0-9a-f]{64}/);
  expect(await rig.machine.left()).toEqual([]);
  expect(drive.recorded.map(({ done }) => done.detail.replace(/[0-9a-f-]{36}|20\d\d-\S+/g, "…"))).toEqual([
    "looked by SSM command … whether memory can be had; the host keeps a directory of its own for the dump",
    expect.stringContaining("upload links for parts 1 to 300 issued until …"),
    "memory dump started on the instance by SSM command …",
  ]);
});

test.runIf(isolated)("no usable link stands in the command history, in an act or in what is kept", { timeout: 60_000 }, async () => {
  const collector = rig.collector();
  const drive = await rig.drive(whole, { count: 4, seconds: 600 });
  await takePushed(rig.vault, await rig.push(collector, drive));
  expect(rig.ssm.commands.length).toBeGreaterThanOrEqual(3);
  const history = JSON.stringify([
    rig.ssm.commands.map(({ comment, parameters }) => ({ comment, parameters })),
    drive.recorded,
    drive.memory("memory"),
    rig.ssm.commands.map(({ invocations }) => invocations.map(({ stage }) => (stage.kind === "ended" ? stage.how : null))),
  ]);
  for (const secret of ["X-Amz-Signature=", rig.store.credentials.accessKeyId, "127.0.0.1", "uploadId="]) expect(history).not.toContain(secret);
  for (const { parameters } of rig.ssm.commands) expect(JSON.stringify(parameters)).not.toContain("{{");
});

test.runIf(isolated)("links come in batches while the dump goes on, each recorded before the host has it", { timeout: 60_000 }, async () => {
  const collector = rig.collector();
  const drive = await rig.drive(whole, { count: 2, seconds: 600 });
  const early: string[] = [];
  const watched: Drive = {
    ...drive,
    context: (id) => ({
      ...drive.context(id),
      async record(once, done) {
        const [, number, from] = /\/links-(\d+)-(\d+)-/.exec(once) ?? [];
        if (number !== undefined && rig.ssm.commands.some(({ comment }) => comment.endsWith(`links ${number} ${from}`))) early.push(once);
        await drive.context(id).record(once, done);
      },
    }),
  };
  const { bytes, report } = await takePushed(rig.vault, await rig.push(collector, watched));
  expect(early).toEqual([]);
  expect(report.outcome).toBe("collected");
  expect(bytes.equals(image)).toBe(true);
  expect(drive.recorded.filter(({ once }) => once.includes("/links-")).length).toBeGreaterThanOrEqual(3);
});

test.runIf(isolated)("links that lapse are renewed, and the dump goes on with the new ones", { timeout: 60_000 }, async () => {
  const collector = rig.collector('head -c 400000 "$image" > "$out.a"; { cat "$out.a"; sleep 12; tail -c +400001 "$image"; } > "$out"');
  const drive = await rig.drive(whole, { count: 300, seconds: 9 });
  const { bytes, report } = await takePushed(rig.vault, await rig.push(collector, drive));
  expect(report.outcome).toBe("collected");
  expect(bytes.equals(image)).toBe(true);
  expect(drive.recorded.filter(({ once }) => once.includes("/links-")).length).toBeGreaterThanOrEqual(2);
});

test.runIf(isolated)("a tool that dies half-way gives a truncated image, with the ranges that are missing", { timeout: 60_000 }, async () => {
  const collector = rig.collector('head -c 500000 "$image" > "$out"; echo "cannot read page" >&2; exit 3');
  const { report, bytes } = await takePushed(rig.vault, await rig.push(collector, await rig.drive()));
  expect(bytes.equals(image.subarray(0, 500_000))).toBe(true);
  expect(report.outcome).toBe("truncated");
  expect(report.detail).toContain("the memory tool ended with an error: cannot read page");
  expect(report.detail).toContain("it ends at byte 500000, inside a record");
  expect(report.coverage?.gaps.map(({ what }) => what)).toEqual(expect.arrayContaining(["memory 4a3e0-9efff", "memory 100000-bfffff"]));
});

test.runIf(isolated)("bytes that are not those that the host says it sent are named", { timeout: 60_000 }, async () => {
  const collector = rig.collector();
  const source = await rig.push(collector, await rig.drive());
  const push = source.push.bind(source);
  // Whoever holds the host says what they like; here its last part is another one by the time it is read.
  const bent = { ...source, push, inspect: (piece: Uint8Array) => source.inspect(piece.map((byte) => (byte === 2 ? 3 : byte))) };
  const { report } = await takePushed(rig.vault, bent);
  expect(report.outcome).toBe("truncated");
  expect(report.detail).toContain(`the host says that it sent bytes with SHA-256 ${createHash("sha256").update(image).digest("hex")}`);
});

test.runIf(isolated)("what is fetched and is not the pinned tool is never started", { timeout: 60_000 }, async () => {
  const collector = rig.collector('touch /dev/shm/started; cat "$image" > "$out"');
  const { report, bytes } = await takePushed(rig.vault, await rig.push(collector, await rig.drive()), {
    through: (landing) => ({ ...landing, offer: (name, tool, seconds, signal) => landing.offer(name, Buffer.from([...tool, 10]), seconds, signal) }),
  });
  expect(bytes).toHaveLength(0);
  expect(report).toMatchObject({ outcome: "failed", detail: expect.stringContaining("is not the pinned tool; it was not started") });
  expect(await rig.machine.left()).toEqual([]);
});

test("a tool file that is not the pinned one is not sent at all", async () => {
  const collector = rig.collector(whole, { readTool: async () => Buffer.from("another") });
  const found = await (await rig.drive()).open(collector, "memory");
  expect(found).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringContaining("it was not sent") });
  expect(rig.ssm.commands).toEqual([]);
});
