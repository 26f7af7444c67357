import { entryOf } from "../../../src/core/shape.ts";
import type { Wish } from "../../../src/core/plan.ts";
import type { ProbeAnswer } from "../../../src/core/vault.ts";
import type { Aws } from "../aws.ts";
import { evidenceOf } from "./copy-place.ts";
import { disksOf, wantsSnapshots } from "./disks.ts";
import type { Look } from "../look.ts";
import { lookAtKey, probeKey } from "./snapshot-keys.ts";
import { allowed, noSnapshot } from "./snapshots-doctor.ts";

/** Whether snapshots would reach the evidence account: its role, both keys, and every call on the way. */
export async function copyDoctor(aws: Aws, look: Look, wish: Wish, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  if (aws.config.evidenceAccount === null || !wantsSnapshots(wish)) return [];
  const place = await evidenceOf(aws, signal);
  if ("kind" in place) return [{ probe: "evidence account", ok: false, fatal: true, text: place.detail }];
  const { account, region, kmsKey } = place;
  const answers: ProbeAnswer[] = [{ probe: "evidence account", ok: true, fatal: true, text: `copies go to account ${account}, ${region}` }];
  const share = { SnapshotId: noSnapshot, Attribute: "createVolumePermission" as const, OperationType: "add" as const, UserIds: [account] };
  answers.push(allowed("ec2:ModifySnapshotAttribute", await aws.link.dryRun("source", null, "ec2:ModifySnapshotAttribute", share, signal)));
  const copy = { SourceRegion: aws.link.region, SourceSnapshotId: noSnapshot, Encrypted: true };
  const copyThere = { ...copy, ...(kmsKey === null ? {} : { KmsKeyId: kmsKey }) };
  answers.push(inEvidence(allowed("ec2:CopySnapshot", await aws.link.dryRun("evidence", region, "ec2:CopySnapshot", copyThere, signal))));
  const lock = { SnapshotId: noSnapshot, LockMode: "compliance" as const, LockDuration: 1 };
  answers.push(inEvidence(allowed("ec2:LockSnapshot", await aws.link.dryRun("evidence", region, "ec2:LockSnapshot", lock, signal))));
  if (kmsKey !== null) answers.push(await probeKey(aws, "evidence", kmsKey, "copies in the evidence account", signal));
  answers.push(...(await ownKey(aws, look, copy, signal)));
  return answers;
}

function inEvidence(answer: ProbeAnswer): ProbeAnswer {
  return { ...answer, probe: `${answer.probe} in the evidence account` };
}

/** The customer key that volumes under the AWS-managed key need, and the copy under it. */
async function ownKey(
  aws: Aws,
  look: Look,
  copy: { readonly SourceRegion: string; readonly SourceSnapshotId: string; readonly Encrypted: boolean },
  signal: AbortSignal,
): Promise<readonly ProbeAnswer[]> {
  const managed: string[] = [];
  for (const { volume, kmsKey } of disksOf(look)) {
    if (kmsKey === null) continue;
    const looked = await lookAtKey(aws, "source", kmsKey, signal);
    if (looked.kind === "key" && looked.key.KeyManager === "AWS") managed.push(volume);
  }
  if (managed.length === 0) return [];
  const own = entryOf(aws.config.accounts, aws.account)?.kmsKey ?? null;
  const probe = "key for sharing";
  if (own === null) {
    const text = `${managed.join(", ")}: under the AWS-managed key, whose snapshots cannot be shared; name a customer key as aws.accounts."${aws.account}".kmsKey`;
    return [{ probe, ok: false, fatal: true, text }];
  }
  const allowedToCopy = allowed("ec2:CopySnapshot", await aws.link.dryRun("source", null, "ec2:CopySnapshot", { ...copy, KmsKeyId: own }, signal));
  return [await probeKey(aws, "source", own, "copies that are shared", signal), allowedToCopy];
}
