import type { Opened, StepContext } from "../../../src/core/collector.ts";
import type { Aws } from "../aws.ts";
import type { CopyMemory } from "./copy-memory.ts";
import type { EvidencePlace } from "./copy-place.ts";
import { copySnapshot } from "./copy-snapshot.ts";
import type { Shareable } from "./copy-source.ts";
import { notesOf } from "./disk.ts";
import { diskText } from "./disks.ts";
import { heldSnapshot } from "./held-snapshot.ts";
import { type None, refusedDone, refusedNone, wordsOf } from "../client/refused.ts";
import { lockSnapshot } from "./snapshot-lock.ts";
import { lookAtSnapshot } from "./snapshot-look.ts";
import type { MadeSnapshot } from "./snapshot-set.ts";
import { isShared, shareSnapshot } from "./snapshot-share.ts";
import { awaitSnapshot } from "./snapshot-wait.ts";

export type CopyJob = { readonly made: MadeSnapshot; readonly device: string; readonly place: EvidencePlace; readonly source: Shareable };

/**
 * Shares, copies, locks the copy, and waits for it: the share is needed until the copy is completed. Where it was taken away
 * meanwhile (the source account's administrator may do that) it is all done once more. The caller withdraws the share.
 */
export async function copyOut(aws: Aws, job: CopyJob, at: StepContext, memory: CopyMemory, signal: AbortSignal): Promise<Opened> {
  const { place, source } = job;
  if (await isThere(aws, place, memory.copy, signal)) return copyOnce(aws, job, at, memory, signal);
  for (let attempt = 1; ; attempt += 1) {
    const shared = await shareSnapshot(aws, source.snapshot, place.account, memory, at, signal);
    if (shared.kind !== "done") return { kind: "none", outcome: noShare(shared.kind), detail: shared.detail };
    const opened = await copyOnce(aws, job, at, memory, signal);
    if (opened.kind !== "none" || attempt > 1) return opened;
    const still = await isShared(aws, source.snapshot, place.account, signal);
    if (still !== false) return opened;
    const detail = `somebody withdrew the share of ${source.snapshot} while it was copied (${opened.detail}); it is shared once more`;
    await at.record(`share:${memory.shares}:lost`, { kind: "failed", detail, result: null, requestIds: [] });
    memory.sharing = null;
    at.remember(memory);
  }
}

/** An interrupted attempt may have got so far that nothing has to be shared any more. */
async function isThere(aws: Aws, place: EvidencePlace, copy: string | null, signal: AbortSignal): Promise<boolean> {
  if (copy === null) return false;
  const looked = await lookAtSnapshot(aws, { scope: "evidence", region: place.region }, copy, signal);
  return looked.kind === "seen" && looked.snapshots[0]?.State === "completed";
}

function noShare(kind: "already" | "denied" | "unavailable" | "failed"): None["outcome"] {
  return kind === "already" ? "failed" : kind;
}

async function copyOnce(aws: Aws, { made, device, place, source }: CopyJob, at: StepContext, memory: CopyMemory, signal: AbortSignal): Promise<Opened> {
  const where = { scope: "evidence", region: place.region } as const;
  const asked = memory.copyAsked;
  memory.copyAsked = true;
  at.remember(memory);
  const from = { snapshot: source.snapshot, region: aws.link.region };
  const copied =
    memory.copy === null
      ? await copySnapshot(aws, { from, to: where, kmsKey: place.kmsKey, once: memory.once ?? "", asked, failed: memory.failed }, at, signal)
      : { kind: "copied" as const, snapshot: memory.copy, requestIds: [] };
  if (copied.kind === "refused") {
    const what = `${source.snapshot} was not copied to account ${place.account}`;
    await at.record(`copy:${memory.shares}:refused`, refusedDone(what, copied));
    return refusedNone(what, copied);
  }
  const again = memory.copy !== null;
  memory.copy = copied.snapshot;
  at.remember(memory);
  const key = place.kmsKey ?? `the default key of account ${place.account}`;
  const detail = `${source.snapshot} copied to ${copied.snapshot} in account ${place.account}, ${place.region}, under ${key}`;
  await at.record(`copy:${copied.snapshot}`, {
    kind: "done",
    detail,
    result: { snapshot: copied.snapshot, account: place.account },
    requestIds: copied.requestIds,
  });
  const lock = await lockSnapshot(aws, where, copied.snapshot, at.retainUntil, again || asked, signal);
  await at.record(`lock:${copied.snapshot}`, lock);
  const notes = [detail, ...source.notes, ...notesOf(lock, at.legalHold, at.retainUntil, aws)];
  const end = await awaitSnapshot(aws, where, copied.snapshot, signal);
  const name = `${copied.snapshot}, copy in account ${place.account} of ${made.snapshot} of ${diskText({ ...made, device })}, ${made.startTime}`;
  const held = { ...made, snapshot: copied.snapshot };
  const requestIds = [...copied.requestIds, ...lock.requestIds];
  switch (end.kind) {
    case "completed":
      return { kind: "held", exhibit: heldSnapshot(aws, where, at, name, held, notes, "collected", requestIds) };
    case "unseen":
      return {
        kind: "held",
        exhibit: heldSnapshot(
          aws,
          where,
          at,
          name,
          held,
          [...notes, `whether it was completed may not be looked at: ${wordsOf(end.refused)}`],
          "truncated",
          requestIds,
        ),
      };
    case "broken":
      Object.assign(memory, { copy: null, failed: [...memory.failed, copied.snapshot] });
      at.remember(memory);
      return { kind: "none", outcome: "failed", detail: `copy ${copied.snapshot} of ${source.snapshot} in account ${place.account}: ${end.text}` };
    default:
      return end satisfies never;
  }
}
