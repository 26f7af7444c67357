import type { StepContext } from "../../../src/core/collector.ts";
import { entryOf } from "../../../src/core/shape.ts";
import type { Aws } from "../aws.ts";
import type { CopyMemory } from "./copy-memory.ts";
import { copySnapshot } from "./copy-snapshot.ts";
import { type None, refusedDone, refusedNone } from "../client/refused.ts";
import type { MadeSnapshot } from "./snapshot-set.ts";
import { lookAtKey } from "./snapshot-keys.ts";
import { awaitSnapshot, type SnapshotEnd } from "./snapshot-wait.ts";

const here = { scope: "source", region: null } as const;

/** A snapshot that may be shared: the one that was made, or a copy of it under a customer key. */
export type Shareable = { readonly snapshot: string; readonly notes: readonly string[] };

/** EC2 copies completed snapshots only, and shares none that is under the account's default key (facts/aws §1.1). */
export async function shareable(aws: Aws, made: MadeSnapshot, at: StepContext, memory: CopyMemory, signal: AbortSignal): Promise<Shareable | None> {
  const end = await awaitSnapshot(aws, here, made.snapshot, signal);
  if (end.kind !== "completed") return broken(made.snapshot, end);
  const kmsKey = end.snapshot.KmsKeyId ?? made.kmsKey;
  if (end.snapshot.Encrypted !== true || kmsKey === null) return { snapshot: made.snapshot, notes: [] };
  const looked = await lookAtKey(aws, "source", kmsKey, signal);
  // Whose key it is could not be asked: sharing will tell.
  if (looked.kind === "refused" || looked.key.KeyManager !== "AWS") return { snapshot: made.snapshot, notes: [] };
  const own = entryOf(aws.config.accounts, aws.account)?.kmsKey ?? null;
  if (own === null) {
    const detail = `${made.volume} is encrypted with the AWS-managed key of account ${aws.account}, whose snapshots cannot be shared; name a customer key of that account that the evidence account may use as aws.accounts."${aws.account}".kmsKey`;
    return { kind: "none", outcome: "unavailable", detail };
  }
  return copyInside(aws, made, own, at, memory, signal);
}

async function copyInside(aws: Aws, made: MadeSnapshot, kmsKey: string, at: StepContext, memory: CopyMemory, signal: AbortSignal): Promise<Shareable | None> {
  const asked = memory.innerAsked;
  memory.innerAsked = true;
  at.remember(memory);
  const from = { snapshot: made.snapshot, region: aws.link.region };
  const what = `copy of ${made.snapshot} under ${kmsKey}, because what is under the AWS-managed key cannot be shared`;
  const copied =
    memory.inner === null
      ? await copySnapshot(aws, { from, to: here, kmsKey, once: memory.once ?? "", asked, failed: memory.failed }, at, signal)
      : { kind: "copied" as const, snapshot: memory.inner, requestIds: [] };
  if (copied.kind === "refused") {
    await at.record(`copy-inside:refused`, refusedDone(`no ${what}`, copied));
    return refusedNone(`no ${what}`, copied);
  }
  memory.inner = copied.snapshot;
  at.remember(memory);
  const stays = `${copied.snapshot} (${what}) stays in account ${aws.account}, neither locked nor evidence: delete it once the copy is verified`;
  await at.record(`copy-inside:${copied.snapshot}`, {
    kind: "done",
    detail: stays,
    result: { snapshot: copied.snapshot, kmsKey },
    requestIds: copied.requestIds,
  });
  const end = await awaitSnapshot(aws, here, copied.snapshot, signal);
  if (end.kind === "completed") return { snapshot: copied.snapshot, notes: [stays] };
  if (end.kind === "broken") Object.assign(memory, { inner: null, failed: [...memory.failed, copied.snapshot] });
  at.remember(memory);
  return broken(copied.snapshot, end);
}

function broken(snapshot: string, end: Exclude<SnapshotEnd, { readonly kind: "completed" }>): None {
  if (end.kind === "unseen") return refusedNone(`whether ${snapshot} is completed may not be looked at, so it is not copied`, end.refused);
  return { kind: "none", outcome: "failed", detail: `snapshot ${snapshot}: ${end.text}; it cannot be copied` };
}
