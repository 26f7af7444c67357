import { afterEach, beforeEach, expect, test } from "vitest";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Landing, OpenLanding } from "../../../src/core/landing.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { land, landingRequestOf } from "../../suite/landing-bench.ts";
import { never } from "../../suite/vault-bench.ts";
import { image } from "./guest-host.ts";
import { type MemoryRig, openMemoryRig, partSize } from "./memory-rig.ts";
import { stoppedDump, waiting } from "./stopped-dump.ts";
import { takePushed } from "./take-pushed.ts";

const isolated = process.getuid?.() === 0;
if (!isolated) test.skip("NOT PROVEN: without root there is no machine whose agent could run the scripts", () => {});
const slow = { timeout: 60_000 };
const crash = new HoldfastError("vault", "the process died here");

let rig: MemoryRig;
beforeEach(async () => {
  rig = await openMemoryRig();
});
afterEach(async () => {
  await expectAsModelled(rig.fake);
  await rig.close();
});

/** Dies when the store is looked at the nth time. */
function dyingAt(landing: OpenLanding, parts: number): Landing {
  return {
    ...landing,
    async arrived(signal) {
      const seen = await landing.arrived(signal);
      if (seen.length >= parts) throw crash;
      return seen;
    },
  };
}

async function go(): Promise<void> {
  await rig.machine.run({ document: "", script: ": > /dev/shm/go", directory: null, environment: {} }).ended;
}

test.runIf(isolated)("after a crash another process takes the same dump up: one command, one object, the same bytes", slow, async () => {
  const drive = await rig.drive();
  const first = await rig.push(rig.collector(waiting), drive);
  const landing = await land(rig.vault, landingRequestOf(partSize));
  await expect(first.push(dyingAt(landing, 3), never)).rejects.toBe(crash);
  await go();
  const moved = { readTool: async (): Promise<Buffer> => Buffer.from("another tool by now") };
  const second = await rig.push(rig.collector(waiting, moved), drive);
  expect(second.continues).toBe(true);
  const { report, bytes } = await takePushed(rig.vault, second, { landing });
  expect(report.outcome).toBe("collected");
  expect(bytes.equals(image)).toBe(true);
  expect(rig.ssm.commands.map(({ comment }) => comment.split(" ").at(-1))).toEqual(["preflight", "dump"]);
});

test.runIf(isolated)("a crash between sending and knowing it: the command is found again, not sent again", slow, async () => {
  const drive = await rig.drive();
  const first = await rig.push(rig.collector(), drive);
  const landing = await land(rig.vault, landingRequestOf(partSize));
  await expect(first.push(dyingAt(landing, 0), never)).rejects.toBe(crash);
  const kept = drive.memory("memory");
  if (typeof kept !== "object" || kept === null) throw new Error("nothing kept");
  drive.context("memory").remember({ ...kept, command: null });
  const { report, bytes } = await takePushed(rig.vault, await rig.push(rig.collector(), drive), { landing });
  expect(report.outcome).toBe("collected");
  expect(bytes.equals(image)).toBe(true);
  expect(rig.ssm.commands.filter(({ comment }) => comment.endsWith(" dump"))).toHaveLength(1);
});

test.runIf(isolated)("stopped from here, the command is cancelled and recorded; the next attempt starts again under a new number", slow, async () => {
  const drive = await rig.drive();
  await stoppedDump(rig, drive);
  expect(drive.recorded.at(-1)?.done.detail).toMatch(/^SSM command \S+ cancelled$/);
  await go();
  // A crash right after the new preflight: what the first attempt uploaded must never be mixed with the new image.
  expect((await rig.push(rig.collector(waiting), drive)).continues).toBe(false);
  const second = await rig.push(rig.collector(waiting), drive);
  expect(second.continues).toBe(false);
  const { report, bytes } = await takePushed(rig.vault, second);
  expect(report.outcome).toBe("collected");
  expect(bytes.equals(image)).toBe(true);
  expect(await rig.machine.left()).toEqual(["/dev/shm/go"]);
});

test.runIf(isolated)("an attempt that cannot start again gives what the one before had brought", slow, async () => {
  const drive = await rig.drive();
  const landing = await stoppedDump(rig, drive);
  rig.agent.ping = "ConnectionLost";
  const second = await rig.push(rig.collector(waiting), drive);
  expect(second.continues).toBe(true);
  const { report, bytes } = await takePushed(rig.vault, second, { landing });
  expect(bytes.equals(image.subarray(0, 3 * partSize))).toBe(true);
  expect(report).toMatchObject({ outcome: "truncated", detail: expect.stringContaining("stopped from here") });
});

test.runIf(isolated)("cleanup ends what a crashed run left running, and removes its directory", slow, async () => {
  const drive = await rig.drive();
  const first = await rig.push(rig.collector(waiting), drive);
  const landing = await land(rig.vault, landingRequestOf(partSize));
  await expect(first.push(dyingAt(landing, 3), never)).rejects.toBe(crash);
  expect(await rig.machine.left()).not.toEqual([]);
  const lines = await drive.cleanup(rig.collector(waiting), "memory");
  expect(lines[0]).toMatch(/^cancelled SSM command \S+, which dumped memory$/);
  await expect.poll(() => rig.machine.left(), { timeout: 20_000 }).toEqual([]);
  expect(await drive.cleanup(rig.collector(waiting), "memory")).toEqual([]);
});
