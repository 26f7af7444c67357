import type { Wish } from "../../../src/core/plan.ts";
import type { ProbeAnswer } from "../../../src/core/vault.ts";
import type { Aws } from "../aws.ts";
import type { DryRunName } from "../calls/calls.ts";
import { disksOf, wantsSnapshots } from "./disks.ts";
import type { Answer } from "../client/link.ts";
import type { Look } from "../look.ts";
import { wordsOf } from "../client/refused.ts";
import { probeKey } from "./snapshot-keys.ts";

/** Stands for a snapshot that is not there yet. No real one has this id. */
export const noSnapshot = "snap-00000000000000000";

export async function snapshotDoctor(aws: Aws, look: Look, wish: Wish, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  if (!wantsSnapshots(wish)) return [];
  const InstanceSpecification = { InstanceId: aws.instance.instance };
  const answers = [
    allowed("ec2:CreateSnapshots", await aws.link.dryRun("source", null, "ec2:CreateSnapshots", { InstanceSpecification }, signal)),
    allowed(
      "ec2:LockSnapshot",
      await aws.link.dryRun("source", null, "ec2:LockSnapshot", { SnapshotId: noSnapshot, LockMode: "compliance", LockDuration: 1 }, signal),
    ),
  ];
  if (look.refused !== null)
    answers.push({ probe: "volumes", ok: false, fatal: false, text: `they may not be described, their sizes and keys are not known: ${look.refused}` });
  const keys = Map.groupBy(
    disksOf(look).filter(({ kmsKey }) => kmsKey !== null),
    ({ kmsKey }) => kmsKey ?? "",
  );
  for (const [arn, disks] of keys) answers.push(await probeKey(aws, "source", arn, disks.map(({ volume }) => volume).join(", "), signal));
  return answers;
}

/**
 * What a dry run's answer says of the right. EC2 looks for what is asked about only after it has looked at the right: that there is
 * no such snapshot is told to nobody who may not ask, and counts as allowed. So it is understood here; AWS does not promise it.
 */
export function allowed(name: DryRunName, answer: Answer<null>): ProbeAnswer {
  if (answer.kind === "answer") return { probe: name, ok: true, fatal: true, text: "a dry run would have succeeded" };
  if (answer.trouble === "missing")
    return { probe: name, ok: true, fatal: true, text: `a dry run got past the right: it ended at the snapshot that is not there yet (${answer.code})` };
  return { probe: name, ok: false, fatal: true, text: `a dry run was refused: ${wordsOf(answer)}` };
}
