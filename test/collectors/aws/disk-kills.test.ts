import { afterEach, expect, test } from "vitest";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { evidence, plantKeys } from "./evidence-account.ts";
import { away, home } from "./link-rig.ts";
import { type DiskRig, openDiskRig, rootVolume } from "./disk-rig.ts";
import type { Drive } from "./step-drive.ts";

const steps = [`disk:${rootVolume}`, `disk-copy:${rootVolume}`];
const forever = Number.POSITIVE_INFINITY;
let rig: DiskRig;

afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
  await rig.close();
});

/** The longest way there is: a volume under the AWS-managed key, on to the evidence account. */
async function prepare(): Promise<Drive> {
  rig = await openDiskRig();
  plantKeys(rig.ec2.kms);
  const managed = rig.ec2.kms.keys.find(({ manager }) => manager === "AWS");
  Object.assign(rig.ec2.volumes[0] ?? {}, { kmsKeyId: `arn:aws:kms:eu-west-1:${home}:key/${managed?.id}` });
  return rig.drive(await rig.plan(["snapshots", "disk", "disk-copy"], {}, evidence));
}

async function run(drive: Drive): Promise<void> {
  const collector = rig.collector(evidence);
  await drive.act(collector, "snapshots");
  for (const id of steps) expect(await drive.open(collector, id)).toMatchObject({ kind: "held", exhibit: { outcome: "collected" } });
}

/** Every call that changes something, by its place among them: its answer is lost, and from then on nothing gets through. */
test.for(Array.from({ length: 7 }, (_, i) => i + 1))("cut off at change %i, the repeat makes nothing twice and leaves nothing open", async (at) => {
  const drive = await prepare();
  let changes = 0;
  rig.fake.faults.add({
    on: "ec2:*",
    times: forever,
    when: ({ operation }) => /^(Create|Lock|Modify|Copy)/.test(operation) && ++changes === at,
    does: { kind: "lost-answer" },
  });
  rig.fake.faults.add({ on: "*", times: forever, when: () => rig.fake.faults.fired.length > 0, does: { kind: "reset-before" } });
  await expect(run(drive)).rejects.toThrow();
  expect(changes).toBeGreaterThanOrEqual(at);
  rig.fake.faults.clear();
  rig.pass(60_000);
  await run(drive);
  expect(new Set(rig.ec2.snapshots.filter(({ copyOf }) => copyOf === null).map(({ started }) => started.getTime())).size).toBe(1);
  expect(rig.ec2.snapshots).toHaveLength(4); // two of the set, the copy inside, the copy outside
  expect(rig.ec2.snapshots.filter(({ account }) => account === away)).toHaveLength(1);
  expect(rig.ec2.snapshots.flatMap(({ shared }) => [...shared])).toEqual([]);
  const ours = new Set(drive.recorded.flatMap(({ done }) => JSON.stringify(done.result).match(/snap-\w+/g) ?? []));
  for (const { id, copyOf } of rig.ec2.snapshots) if (copyOf !== null) expect(ours).toContain(id);
});
