import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ProbeAnswer } from "../../../src/core/vault.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { evidence, plantKeys } from "./evidence-account.ts";
import { away, home } from "./link-rig.ts";
import { type DiskRig, openDiskRig } from "./disk-rig.ts";

const rooms = ["snapshots", "disk", "disk-copy", "disk-image"];
let rig: DiskRig;
beforeEach(async () => {
  rig = await openDiskRig();
  plantKeys(rig.ec2.kms);
});
afterEach(async () => {
  expect(rig.ec2.snapshots).toEqual([]);
  expect(rig.fake.unknown).toEqual([]);
  await expectAsModelled(rig.fake);
  await rig.close();
});

const failed = (answers: readonly ProbeAnswer[]): readonly string[] => answers.filter(({ ok }) => !ok).map(({ probe }) => probe);
const textOf = (answers: readonly ProbeAnswer[], probe: string): string | undefined => answers.find((answer) => answer.probe === probe)?.text;

function encrypt(manager: "AWS" | "CUSTOMER", account = home): void {
  const key = rig.ec2.kms.keys.find((one) => one.account === account && one.manager === manager);
  Object.assign(rig.ec2.volumes[0] ?? {}, { kmsKeyId: `arn:aws:kms:eu-west-1:${account}:key/${key?.id}` });
}

describe("doctor of the disks", () => {
  test("tries every call without making anything; a snapshot that is not there yet counts as allowed, and that is said", async () => {
    const answers = await rig.doctor(rooms, {}, evidence);
    expect(failed(answers)).toEqual([]);
    expect(answers.map(({ probe }) => probe)).toEqual([
      "ec2:CreateSnapshots",
      "ec2:LockSnapshot",
      "evidence account",
      "ec2:ModifySnapshotAttribute",
      "ec2:CopySnapshot in the evidence account",
      "ec2:LockSnapshot in the evidence account",
      "key of copies in the evidence account",
    ]);
    expect(textOf(answers, "ec2:CreateSnapshots")).toBe("a dry run would have succeeded");
    expect(textOf(answers, "ec2:LockSnapshot")).toMatch(/not there yet \(InvalidSnapshot.NotFound\)/);
    expect(rig.fake.exchanges.filter(({ body }) => body?.includes("DryRun=true"))).toHaveLength(5);
  });

  test.for([
    [home, "CreateSnapshots", "ec2:CreateSnapshots"],
    [home, "LockSnapshot", "ec2:LockSnapshot"],
    [home, "ModifySnapshotAttribute", "ec2:ModifySnapshotAttribute"],
    [away, "CopySnapshot", "ec2:CopySnapshot in the evidence account"],
    [away, "LockSnapshot", "ec2:LockSnapshot in the evidence account"],
  ] as const)("account %s without the right to %s is told", async ([account, operation, probe]) => {
    rig.ec2.denied.add(`${account}:${operation}`);
    const answers = await rig.doctor(rooms, {}, evidence);
    expect(failed(answers)).toEqual([probe]);
    expect(textOf(answers, probe)).toContain("UnauthorizedOperation");
  });

  test("an evidence role that may not be assumed is told", async () => {
    rig.assumable.clear();
    expect(failed(await rig.doctor(rooms, {}, evidence))).toEqual(["evidence account"]);
  });

  test("a key in the compromised account is warned of where no copy under another key is made", async () => {
    encrypt("CUSTOMER");
    const alone = await rig.doctor(rooms);
    expect(failed(alone)).toEqual(["key of vol-0aaaaaaaaaaaaaaaa"]);
    expect(textOf(alone, "key of vol-0aaaaaaaaaaaaaaaa")).toContain("a key in the compromised account can be deleted");
    expect(failed(await rig.doctor(rooms, {}, evidence))).toEqual([]);
  });

  test("a key that is about to be deleted is told, with its day", async () => {
    encrypt("CUSTOMER");
    for (const key of rig.ec2.kms.keys)
      if (key.manager === "CUSTOMER" && key.account === home) Object.assign(key, { state: "PendingDeletion", deletion: new Date("2026-12-01T00:00:00Z") });
    expect(textOf(await rig.doctor(rooms, {}, evidence), "key of vol-0aaaaaaaaaaaaaaaa")).toMatch(/PendingDeletion, to be deleted on 2026-12-01/);
  });

  test("volumes under the AWS-managed key need a customer key to be shared, and the copy under it is tried", async () => {
    encrypt("AWS");
    const answers = await rig.doctor(rooms, {}, evidence);
    expect(failed(answers)).toEqual([]);
    expect(answers.map(({ probe }) => probe)).toContain("ec2:CopySnapshot");
    const without = await rig.doctor(rooms, {}, { ...evidence, accounts: {} });
    expect(failed(without)).toEqual(["key for sharing"]);
    expect(textOf(without, "key for sharing")).toContain(`aws.accounts."${home}".kmsKey`);
  });

  test("asks nothing where no disk is wanted", async () => {
    expect(await rig.doctor(rooms, { kinds: ["state"] }, evidence)).toEqual([]);
  });
});
