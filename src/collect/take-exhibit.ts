import { describeError, HoldfastError } from "../core/error.ts";
import type { CollectionOrder } from "../core/jobs.ts";
import { outcomes } from "../core/outcome.ts";
import type { Step } from "../core/plan.ts";
import type { Source } from "../core/source.ts";
import { withoutGaps } from "../stream/without-gaps.ts";
import type { CollectContext, LeasedContext } from "./context.ts";
import { emptyHanded, type StepEnd } from "./outcome-act.ts";

/** Breakdowns after which the exhibit is not ended: the vault or the person stopped us, and resume can go on. */
const resumable: readonly string[] = ["paused", "vault", "ledger", "rollback", "fork", "refused"];

export function isResumable(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && resumable.includes(error.code);
}

/**
 * Takes one source into the vault: one pass, parts stored as they come. Resolves with how it ended; rejects only with what
 * can be resumed. What breaks in the source itself is the outcome `failed`, with nothing of it left in the vault.
 */
export async function takeExhibit(
  context: LeasedContext,
  order: CollectionOrder,
  step: Step,
  exhibit: string,
  source: Source,
  signal: AbortSignal,
): Promise<StepEnd> {
  // Parts are acknowledged out of order: what lies behind a gap could not be decided in the same way again, and is sent anew.
  const journal = withoutGaps(context.jobs.journal(context.lease, step.id, exhibit));
  const before = journal.load();
  const key = objectKey(order, step, exhibit);
  let beatAt = 0;
  const { openPartStream } = await import("../stream/part-stream.ts"); // a first memory command is sent without it
  const stream = openPartStream(source, {
    compress: order.compress,
    replay: before?.parts.flatMap((part) => part.frames) ?? [],
    signal,
    progress: (done) => {
      context.progress({ kind: "bytes", exhibit, done, total: source.size });
      const now = context.clock().getTime();
      if (now - beatAt < 1000) return;
      beatAt = now;
      try {
        context.jobs.progress(context.lease, step.id, done, source.size);
      } catch {
        // Only for people watching: where the journal cannot be written, the next part's note says so.
      }
    },
  });
  try {
    const stored = await context.vault.put(
      {
        key,
        mediaType: source.mediaType,
        retention: { mode: context.vault.mode, retainUntil: order.retainUntil, legalHold: order.legalHold },
        stream,
        journal,
      },
      signal,
    );
    const digest = await stream.digest();
    const report = source.report();
    return {
      outcome: report.outcome,
      digest,
      detail: {
        kind: step.kind,
        name: source.name,
        mediaType: source.mediaType,
        text: report.detail,
        files: report.files,
        transform: stream.encoding === "zstd" ? ["zstd-seekable"] : [],
        reproducible: source.kind === "ranges" && source.stable && report.bad.length === 0,
        coverage: report.coverage,
        put: { ...stored, encoding: stream.encoding },
        held: null,
      },
    };
  } catch (error) {
    // Wrong credentials or a wrong region say nothing about the evidence either: put right, the collection goes on.
    if (isResumable(error) || (error instanceof HoldfastError && error.code === "config")) throw error;
    // An abort is the person's or the lease's word, whatever error it surfaced as.
    if (signal.aborted)
      throw signal.reason instanceof HoldfastError ? signal.reason : new HoldfastError("paused", `collection ${order.collection} was interrupted`, error);
    await abandonUpload(context, order, step, exhibit);
    const changed = error instanceof HoldfastError && error.code === "source-changed";
    return emptyHanded(step, "failed", `${changed ? "source changed: " : ""}${describeError(error)}`);
  } finally {
    await stream.close();
    await source.close();
  }
}

/** An unfinished upload of a closed exhibit must not linger. Safe to repeat; `cleanup` does it again after a crash. */
export async function abandonUpload(context: Pick<CollectContext, "jobs" | "vault">, order: CollectionOrder, step: Step, exhibit: string): Promise<boolean> {
  const left = context.jobs.leftovers(order.collection).find((upload) => upload.exhibit === exhibit);
  if (left === undefined) return false;
  await context.vault.abandon(objectKey(order, step, exhibit), left.token, AbortSignal.timeout(30_000));
  context.jobs.forget(order.collection, exhibit);
  return true;
}

/**
 * `CASE/001-COLLECTION/access-logs.tar`: readable, never the same for two collections, and known from the step alone, so
 * that cleanup finds an unfinished upload without opening the source again.
 */
export function objectKey(order: CollectionOrder, step: Step, exhibit: string): string {
  const ending = step.kind === "disk-image" ? ".img.zst" : step.id === "memory" ? ".lime" : ".tar";
  return `${exhibit}-${order.collection}/${step.kind}${ending}`;
}

/** A result kept in work.db between the vault's answer and the act. */
export function keptResult(end: StepEnd): string {
  return JSON.stringify(end);
}

/** Reads back what keptResult wrote; anything else is a damaged work.db. */
export function parseKept(text: string, collection: string): StepEnd {
  const end = JSON.parse(text) as StepEnd; // our own row, written by keptResult in this release or an earlier one
  if (!outcomes.includes(end.outcome) || typeof end.detail?.kind !== "string")
    throw new HoldfastError("ledger", `collection ${collection}: the journaled result is damaged; cancel it and collect again`);
  return end;
}
