import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AwsConfig } from "../../../src/core/config-aws.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import type { Ec2Snapshot } from "../../clouds/aws/ec2-world.ts";
import { evidence, plantKeys } from "./evidence-account.ts";
import { away, home, role } from "./link-rig.ts";
import { type DiskRig, openDiskRig, rootVolume } from "./disk-rig.ts";
import type { Drive } from "./step-drive.ts";

const step = `disk-copy:${rootVolume}`;
let rig: DiskRig;
beforeEach(async () => {
  rig = await openDiskRig();
  plantKeys(rig.ec2.kms);
});
afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
  await rig.close();
});

/** The collection up to the copy: snapshots made and completed. */
async function begun(config: Partial<AwsConfig> = evidence): Promise<Drive> {
  const collector = rig.collector(config);
  const drive = rig.drive(await rig.plan(["snapshots", "disk", "disk-copy"], {}, config));
  await drive.act(collector, "snapshots");
  await drive.open(collector, `disk:${rootVolume}`);
  return drive;
}

function encrypt(manager: "AWS" | "CUSTOMER"): void {
  const key = rig.ec2.kms.keys.find((one) => one.account === home && one.manager === manager);
  Object.assign(rig.ec2.volumes[0] ?? {}, { kmsKeyId: `arn:aws:kms:eu-west-1:${home}:key/${key?.id}` });
}

const copies = (): readonly Ec2Snapshot[] => rig.ec2.snapshots.filter(({ account }) => account === away);
const shares = (): readonly string[] => rig.ec2.snapshots.flatMap(({ shared }) => [...shared]);
const acts = (drive: Drive): readonly string[] => drive.recorded.filter((one) => one.step === step).map(({ once }) => once.replaceAll(/snap-\w+/g, "S"));

describe("a copy in the evidence account", () => {
  test("is shared, made under the evidence account's key, tagged, locked while pending, and the share is withdrawn", async () => {
    const drive = await begun();
    let sharedWhilePending = false;
    rig.onSleep = () => {
      sharedWhilePending ||= copies().length === 1 && copies()[0]?.lock !== null && shares().length === 1;
    };
    const opened = await drive.open(rig.collector(evidence), step);
    const [copy] = copies();
    expect(sharedWhilePending).toBe(true);
    expect(copy).toMatchObject({
      kmsKeyId: evidence.evidenceAccount?.kmsKey,
      lock: { mode: "compliance", coolOff: null, until: { date: new Date(drive.retainUntil) } },
    });
    expect(Object.fromEntries(copy?.tags ?? [])).toMatchObject({
      "holdfast:case": "C-7",
      "holdfast:collection": drive.collection,
      "holdfast:exhibit": expect.stringMatching(/^C-7\//),
      "holdfast:copy-of": rig.ec2.snapshots[0]?.id,
    });
    expect(shares()).toEqual([]);
    expect(opened).toMatchObject({
      kind: "held",
      exhibit: {
        outcome: "collected",
        held: { uri: `arn:aws:ec2:eu-west-1::snapshot/${copy?.id}`, reference: { snapshot: copy?.id, region: "eu-west-1", scope: "evidence" } },
      },
    });
    expect(acts(drive)).toEqual(["share:1", "copy:S", "lock:S", "unshare:1"]);
    if (opened.kind !== "held") return;
    const holder = rig.collector(evidence).holder;
    expect(await holder?.attest(opened.exhibit.held, rig.signal)).toMatchObject({ kind: "present", receipt: { lock: "irrevocable", sealed: true } });
    await holder?.extend(opened.exhibit.held, "2028-01-01T00:00:00Z", rig.signal);
    expect(await holder?.attest(opened.exhibit.held, rig.signal)).toMatchObject({ receipt: { retainUntil: "2028-01-01T00:00:00Z" } });
  });

  test("a volume under the account's customer key is shared as it is", async () => {
    encrypt("CUSTOMER");
    const drive = await begun();
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held", exhibit: { outcome: "collected" } });
    expect(rig.ec2.snapshots.filter(({ account }) => account === home)).toHaveLength(2);
  });

  test("a volume under the AWS-managed key goes through a copy under the account's own key, which is named as staying", async () => {
    encrypt("AWS");
    const drive = await begun();
    const opened = await drive.open(rig.collector(evidence), step);
    const inner = rig.ec2.snapshots.find(({ account, copyOf }) => account === home && copyOf !== null);
    expect(inner?.kmsKeyId).toBe(evidence.accounts?.[home]?.kmsKey);
    expect(copies()).toMatchObject([{ copyOf: inner?.id }]);
    expect(acts(drive)).toEqual(["copy-inside:S", "share:1", "copy:S", "lock:S", "unshare:1"]);
    expect(opened).toMatchObject({ kind: "held", exhibit: { detail: expect.stringContaining(`${inner?.id} (copy of`) } });
  });

  test("without such a key nothing is copied, and the key to configure is named", async () => {
    encrypt("AWS");
    const drive = await begun();
    const opened = await drive.open(
      rig.collector({ ...evidence, accounts: { [away]: evidence.accounts?.[away] ?? { role: null, externalId: null, regions: null, kmsKey: null } } }),
      step,
    );
    expect(opened).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringContaining(`aws.accounts."${home}".kmsKey`) });
    expect(rig.calls("ModifySnapshotAttribute") + rig.calls("CopySnapshot")).toBe(0);
  });

  test("an evidence role that may not be assumed is denied, and nothing is shared", async () => {
    const drive = await begun();
    rig.assumable.clear();
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({
      kind: "none",
      outcome: "denied",
      detail: expect.stringMatching(/aws\.evidenceAccount\.role.*may not be assumed/),
    });
    expect(rig.calls("ModifySnapshotAttribute")).toBe(0);
  });

  test("an evidence account that is the target's own, or its key, is refused before anything is shared", async () => {
    const drive = await begun();
    const own = { ...evidence, evidenceAccount: { role: null, externalId: null, kmsKey: null } };
    expect(await drive.open(rig.collector(own), step)).toMatchObject({ outcome: "unavailable", detail: expect.stringContaining("target's own account") });
    const key = {
      ...evidence,
      evidenceAccount: { role: evidence.evidenceAccount?.role ?? null, externalId: "case-42", kmsKey: evidence.accounts?.[home]?.kmsKey ?? null },
    };
    expect(await drive.open(rig.collector(key), step)).toMatchObject({
      outcome: "unavailable",
      detail: expect.stringContaining("key of the target's account"),
    });
    expect(rig.calls("ModifySnapshotAttribute")).toBe(0);
  });

  test("a key of another Region takes the copy there", async () => {
    rig.ec2.kms.keys.push({
      account: away,
      region: "eu-central-1",
      id: "44444444-4444-4444-8444-444444444444",
      aliases: [],
      manager: "CUSTOMER",
      state: "Enabled",
      created: rig.now(),
      shared: [],
    });
    const drive = await begun();
    const there = {
      ...evidence,
      evidenceAccount: { role: role.arn, externalId: "case-42", kmsKey: `arn:aws:kms:eu-central-1:${away}:key/44444444-4444-4444-8444-444444444444` },
    };
    const opened = await drive.open(rig.collector(there), step);
    expect(copies()).toMatchObject([{ region: "eu-central-1", ends: { kind: "completed" } }]);
    expect(opened).toMatchObject({
      kind: "held",
      exhibit: { outcome: "collected", held: { uri: expect.stringContaining("arn:aws:ec2:eu-central-1::snapshot/") } },
    });
    if (opened.kind === "held") expect(await rig.collector(there).holder?.attest(opened.exhibit.held, rig.signal)).toMatchObject({ receipt: { sealed: true } });
  });

  test("twenty copies that are under way already are waited for", async () => {
    const drive = await begun();
    rig.fake.faults.add({ on: "ec2:CopySnapshot", times: 2, does: { kind: "refuse", code: "ResourceLimitExceeded" } });
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held" });
    expect(rig.waits.filter((ms) => ms === 60_000).length).toBeGreaterThanOrEqual(2);
  });

  test("a snapshot that somebody gave the tags of our copy does not pass for it", async () => {
    encrypt("AWS");
    const drive = await begun();
    const [real] = rig.ec2.snapshots;
    if (real === undefined) throw new Error("nothing was made");
    const tags = new Map([...real.tags, ["holdfast:copy-of", real.id] as const]);
    const forged = { ...real, id: "snap-0f0f0f0f0f0f0f0f0", kmsKeyId: evidence.accounts?.[home]?.kmsKey ?? null, lock: null, tags };
    rig.ec2.snapshots.push(forged);
    rig.fake.faults.add({ on: "ec2:CopySnapshot", does: { kind: "reset-before" } });
    await drive.open(rig.collector(evidence), step);
    const inner = rig.ec2.snapshots.find(({ account, copyOf }) => account === home && copyOf !== null);
    expect(copies()).toMatchObject([{ copyOf: inner?.id }]);
    expect(copies().map(({ copyOf }) => copyOf)).not.toContain(forged.id);
  });

  test("answers that are lost make no second copy", async () => {
    const drive = await begun();
    for (const on of ["ec2:CopySnapshot", "ec2:ModifySnapshotAttribute", "ec2:LockSnapshot"]) rig.fake.faults.add({ on, does: { kind: "lost-answer" } });
    expect(await drive.open(rig.collector(evidence), step)).toMatchObject({ kind: "held", exhibit: { outcome: "collected" } });
    expect(copies()).toHaveLength(1);
    expect(shares()).toEqual([]);
  });
});
