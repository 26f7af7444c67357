import { createHash } from "node:crypto";
import { parseSha256 } from "../core/digest.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import type { CollectionOrder } from "../core/jobs.ts";
import type { ArrivedPart, OpenLanding } from "../core/landing.ts";
import type { RawDigest } from "../core/part.ts";
import type { Step } from "../core/plan.ts";
import type { PushSource } from "../core/source.ts";
import type { Stored } from "../core/vault.ts";
import type { LeasedContext } from "./context.ts";
import { emptyHanded, type StepEnd } from "./outcome-act.ts";
import { abandonUpload, isResumable, objectKey } from "./take-exhibit.ts";

/**
 * Takes what the target pushes by itself: opens the landing, lets the source drive the target, makes the object of the parts that
 * arrived, and reads it back whole. The digest that counts is of those bytes; what the target says of them is a claim. Resolves
 * with how it ended; rejects only with what can be resumed.
 */
export async function takeLanded(
  context: LeasedContext,
  order: CollectionOrder,
  step: Step,
  exhibit: string,
  source: PushSource,
  signal: AbortSignal,
): Promise<StepEnd> {
  const journal = context.jobs.journal(context.lease, step.id, exhibit);
  const key = objectKey(order, step, exhibit);
  try {
    const token = journal.load()?.token ?? null;
    const landing = await context.vault.land(
      {
        key,
        mediaType: source.mediaType,
        retention: { mode: context.vault.mode, retainUntil: order.retainUntil, legalHold: order.legalHold },
        partSize: source.partSize,
      },
      token,
      signal,
    );
    if (landing === null)
      return emptyHanded(
        step,
        "unavailable",
        `vault ${context.vault.name} cannot give a host links to upload to; name an S3 vault with --vault. Nothing was started on the target`,
      );
    if (landing.token !== token) journal.begin({ token: landing.token, partSize: source.partSize });
    const broken = await pushed(source, watched(context, exhibit, step, landing), signal);
    const { parts, stray } = wholeBeginning(await landing.arrived(signal), source.partSize);
    if (parts.length === 0) {
      const { detail } = source.report();
      await abandonUpload(context, order, step, exhibit);
      return emptyHanded(step, "failed", [broken, detail, stray, "nothing of it arrived"].filter((text) => text !== null).join("; "));
    }
    journal.completing();
    const stored = await landing.complete(parts, signal);
    const digest = await reread(context, exhibit, stored, source, signal);
    return endOf(step, source, stored, digest, [broken, stray]);
  } catch (error) {
    if (isResumable(error) || (error instanceof HoldfastError && error.code === "config")) throw error;
    if (signal.aborted)
      throw signal.reason instanceof HoldfastError ? signal.reason : new HoldfastError("paused", `collection ${order.collection} was interrupted`, error);
    await abandonUpload(context, order, step, exhibit);
    return emptyHanded(step, "failed", describeError(error));
  } finally {
    await source.close();
  }
}

/** Lets the target push. What breaks on the way there does not take from us what has arrived: it is told beside it. */
async function pushed(source: PushSource, landing: OpenLanding, signal: AbortSignal): Promise<string | null> {
  try {
    await source.push(landing, signal);
    return null;
  } catch (error) {
    if (signal.aborted || isResumable(error) || (error instanceof HoldfastError && error.code === "config")) throw error;
    return describeError(error);
  }
}

/** The landing, with what has arrived told to those who watch. */
function watched(context: LeasedContext, exhibit: string, step: Step, landing: OpenLanding): OpenLanding {
  return {
    ...landing,
    async arrived(signal) {
      const parts = await landing.arrived(signal);
      const done = parts.reduce((sum, part) => sum + part.bytes, 0);
      context.progress({ kind: "bytes", exhibit, done, total: null });
      context.jobs.progress(context.lease, step.id, done, null);
      return parts;
    },
  };
}

/** Parts from the first on, without a gap, all but the last of full size: what lies behind belongs to no known place. */
function wholeBeginning(arrived: readonly ArrivedPart[], partSize: number): { readonly parts: readonly ArrivedPart[]; readonly stray: string | null } {
  let count = 0;
  for (const [i, { number, bytes }] of arrived.entries()) {
    if (number !== i + 1 || bytes > partSize || bytes === 0) break;
    count += 1;
    if (bytes < partSize) break;
  }
  const rest = arrived.length - count;
  const stray = rest === 0 ? null : `${rest} parts behind a gap or a short part were left out, the first of them part ${arrived[count]?.number}`;
  return { parts: arrived.slice(0, count), stray };
}

async function reread(context: LeasedContext, exhibit: string, stored: Stored, source: PushSource, signal: AbortSignal): Promise<RawDigest> {
  const hash = createHash("sha256");
  let bytes = 0;
  context.progress({ kind: "begin", exhibit, title: "read back from the vault", total: stored.bytes });
  for await (const piece of context.vault.read(stored, 0, stored.bytes, signal)) {
    hash.update(piece);
    source.inspect(piece);
    bytes += piece.length;
    context.progress({ kind: "bytes", exhibit, done: bytes, total: stored.bytes });
  }
  return { sha256: parseSha256(hash.digest("hex")), bytes };
}

function endOf(step: Step, source: PushSource, stored: Stored, digest: RawDigest, broken: readonly (string | null)[]): StepEnd {
  const report = source.report();
  const why = broken.filter((text) => text !== null);
  return {
    // A channel that broke, or parts that were left out, contradict a source that believes it has all.
    outcome: why.length > 0 && report.outcome !== "failed" ? "truncated" : report.outcome,
    digest,
    detail: {
      kind: step.kind,
      name: source.name,
      mediaType: source.mediaType,
      text: [...why, ...(report.detail === null ? [] : [report.detail])].join("; ") || null,
      files: report.files,
      transform: [],
      reproducible: false,
      coverage: report.coverage,
      put: {
        ...stored,
        checksum: { ...stored.checksum, value: Buffer.from(digest.sha256, "hex").toString("base64") },
        encoding: "identity",
      },
      held: null,
    },
  };
}
