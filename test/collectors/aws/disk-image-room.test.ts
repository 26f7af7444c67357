import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Opened } from "../../../src/core/collector.ts";
import { readAll } from "./read-image.ts";
import { noise } from "../../stream/sources.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { blockSize, plantedContent } from "../../clouds/aws/volume-content.ts";
import { evidence, plantKeys } from "./evidence-account.ts";
import { away, home } from "./link-rig.ts";
import { dataVolume, type DiskRig, openDiskRig, rootVolume } from "./disk-rig.ts";
import type { Drive } from "./step-drive.ts";

const rooms = ["snapshots", "disk", "disk-copy", "disk-image"];
const step = `disk-image:${rootVolume}`;
const written = [0, 3, 4, 700, 2047];
let rig: DiskRig;
beforeEach(async () => {
  rig = await openDiskRig();
  plantKeys(rig.ec2.kms);
  const content = plantedContent(new Map(written.map((index) => [index, noise(blockSize, index + 1)])));
  Object.assign(rig.ec2.volumes[0] ?? {}, { content });
});
afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
  await rig.close();
});

async function begun(config = {}): Promise<Drive> {
  const collector = rig.collector(config);
  const drive = rig.drive(await rig.plan(rooms, { kinds: ["disk-image"] }, config));
  await drive.act(collector, "snapshots");
  await drive.open(collector, `disk:${rootVolume}`);
  return drive;
}

/** Written by another hand than the reader: what was planted, block by block, zeros in between. */
function plantedDigest(): string {
  const hash = createHash("sha256");
  for (let index = 0; index < 2048; index += 1) hash.update(written.includes(index) ? noise(blockSize, index + 1) : Buffer.alloc(blockSize));
  return hash.digest("hex");
}

async function digestOf(opened: Opened): Promise<string> {
  if (opened.kind !== "source" || opened.source.kind !== "ranges") throw new Error(JSON.stringify(opened));
  return readAll(opened.source, rig.signal);
}

describe("a raw image", () => {
  test("is byte for byte what was on the volume when the snapshot was made", async () => {
    rig.ebs.pages = [2, 0, 1];
    const drive = await begun();
    Object.assign(rig.ec2.volumes[0] ?? {}, { content: plantedContent(new Map([[0, Buffer.alloc(blockSize, 7)]])) }); // written to since
    expect(await digestOf(await drive.open(rig.collector(), step))).toBe(plantedDigest());
  });

  test("asked for without snapshots, it plans them and their locks", async () => {
    const plan = await rig.plan(rooms, { kinds: ["disk-image"] });
    expect(plan.steps.map(({ id }) => id)).toEqual([
      "snapshots",
      `disk:${rootVolume}`,
      `disk:${dataVolume}`,
      `disk-image:${rootVolume}`,
      `disk-image:${dataVolume}`,
    ]);
    expect(plan.steps.at(-1)).toMatchObject({ lane: "image", estimate: { bytes: 2 ** 30, seconds: 3 } });
    expect((await rig.plan(rooms)).steps.some(({ kind }) => kind === "disk-image")).toBe(false);
  });

  test.for([
    ["a volume's id", dataVolume],
    ["a device", "/dev/sdf"],
  ] as const)("of some volumes only, named by %s", async ([, name]) => {
    const plan = await rig.plan(rooms, { kinds: ["disk", "disk-image"], disks: [name] });
    expect(plan.steps.filter(({ kind }) => kind === "disk-image").map(({ id }) => id)).toEqual([`disk-image:${dataVolume}`]);
    expect(plan.steps.filter(({ id }) => id.startsWith("disk:"))).toHaveLength(2);
  });

  test("a name that is no volume of the instance, or names nothing to do, is a wrong request", async () => {
    await expect(rig.plan(rooms, { kinds: ["disk-image"], disks: ["/dev/sdz"] })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/--disk \/dev\/sdz.*vol-0aaaaaaaaaaaaaaaa \(\/dev\/xvda\)/),
    });
    await expect(rig.plan(rooms, { disks: [rootVolume] })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("add disk-image to --kind"),
    });
  });

  test("is read from the copy in the evidence account where the original may not be read", async () => {
    const drive = await begun(evidence);
    await drive.open(rig.collector(evidence), `disk-copy:${rootVolume}`);
    rig.fake.faults.add({ on: "ebs:ListSnapshotBlocks", account: home, times: Number.POSITIVE_INFINITY, does: { kind: "deny" } });
    expect(await digestOf(await drive.open(rig.collector(evidence), step))).toBe(plantedDigest());
    expect(rig.fake.exchanges.some(({ operation, account }) => operation === "GetSnapshotBlock" && account === away)).toBe(true);
  });

  test("that may not be read anywhere is denied", async () => {
    const drive = await begun();
    rig.fake.faults.add({ on: "ebs:*", times: Number.POSITIVE_INFINITY, does: { kind: "deny" } });
    expect(await drive.open(rig.collector(), step)).toMatchObject({ kind: "none", outcome: "denied", detail: expect.stringContaining("AccessDenied") });
  });

  test("of a snapshot that went to error is unavailable", async () => {
    rig.ec2.fails.add(rootVolume);
    expect(await (await begun()).open(rig.collector(), step)).toMatchObject({
      kind: "none",
      outcome: "unavailable",
      detail: expect.stringContaining("is error"),
    });
  });
});
