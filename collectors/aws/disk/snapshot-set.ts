import type { Json } from "../../../src/core/act.ts";
import type { StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Aws } from "../aws.ts";
import { type None, outcomeOfRefusal, refusedNone, wordsOf } from "../client/refused.ts";
import { copyTag, type Ec2Snapshot, lookForTags, tagOf } from "./snapshot-look.ts";

/** One snapshot of the collection's one set: what the act `snapshots` leaves for the steps behind it. */
export type MadeSnapshot = {
  readonly volume: string;
  readonly snapshot: string;
  /** The moment that its content is of, RFC 3339 UTC. */
  readonly startTime: string;
  readonly sizeGiB: number;
  /** ARN; null where it is not encrypted, or not known. */
  readonly kmsKey: string | null;
  readonly encrypted: boolean;
};

/** Throws `unexpected` where EC2 leaves out what a snapshot cannot be without. */
export function madeSnapshot({ SnapshotId, VolumeId, StartTime, VolumeSize, Encrypted, KmsKeyId }: Ec2Snapshot, kmsKey: string | null): MadeSnapshot {
  if (SnapshotId === undefined || VolumeId === undefined || StartTime === undefined || VolumeSize === undefined)
    throw new HoldfastError("unexpected", `EC2 describes snapshot ${SnapshotId ?? "without id"} without its volume, size or start time`);
  return {
    volume: VolumeId,
    snapshot: SnapshotId,
    startTime: StartTime.toISOString(),
    sizeGiB: VolumeSize,
    kmsKey: KmsKeyId ?? kmsKey,
    encrypted: Encrypted ?? false,
  };
}

/** Reads back what the act `snapshots` left. Throws `unexpected` where it is something else. */
export function parseSet(result: Json): readonly MadeSnapshot[] | null {
  if (result === null) return null;
  if (!isList(result)) throw new HoldfastError("unexpected", "the journaled result of step snapshots is no list; report this");
  return result.map((item: Json) => {
    const { volume, snapshot, startTime, sizeGiB, kmsKey, encrypted } = mapOf(item);
    if (typeof volume !== "string" || typeof snapshot !== "string" || typeof startTime !== "string" || typeof sizeGiB !== "number")
      throw new HoldfastError("unexpected", "the journaled result of step snapshots does not describe snapshots; report this");
    return { volume, snapshot, startTime, sizeGiB, kmsKey: typeof kmsKey === "string" ? kmsKey : null, encrypted: encrypted === true };
  });
}

export function mapOf(value: Json | undefined): { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !isList(value) ? value : {};
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Our clock against AWS's. */
const skewMs = 15 * 60_000;

/** Who knows the collection's name can put its tag on a snapshot of days ago. A collection's id begins with its time, UTC. */
function isSince({ StartTime: start }: Ec2Snapshot, collection: string): boolean {
  const [, day, hour, minute, second] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z-/.exec(collection) ?? [];
  if (day === undefined || start === undefined) return false;
  const begun = Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T${hour}:${minute}:${second}Z`);
  return start.getTime() >= begun - skewMs;
}

/**
 * The snapshot of a volume. Where the act left none, the account is asked: an act that broke down may have happened, and one
 * that was found again may not have been seen whole. What made
 * it impossible is asked by a dry run, since a step is not told how another one was refused.
 */
export async function snapshotOf(aws: Aws, volume: string, at: StepContext, signal: AbortSignal): Promise<MadeSnapshot | None> {
  const set = parseSet(at.earlier("snapshots"));
  const made = set?.find((one) => one.volume === volume);
  if (made !== undefined) return made;
  const looked = await lookForTags(aws, { scope: "source", region: null }, { "holdfast:collection": at.collection }, signal);
  if (looked.kind === "refused") return refusedNone(`no snapshot of ${volume} was made, as far as this step knows, and it may not look`, looked);
  const fits = (one: Ec2Snapshot): boolean => one.VolumeId === volume && tagOf(one, copyTag) === null && isSince(one, at.collection);
  const found = looked.snapshots.find(fits);
  if (found !== undefined) return madeSnapshot(found, null);
  if (set !== null) {
    const detail = `the snapshots of this collection are of ${set.map((one) => one.volume).join(", ")}: ${volume} was not attached any more`;
    return { kind: "none", outcome: "unavailable", detail };
  }
  const may = await aws.link.dryRun("source", null, "ec2:CreateSnapshots", { InstanceSpecification: { InstanceId: aws.instance.instance } }, signal);
  const why = may.kind === "refused" ? wordsOf(may) : "the act of step snapshots says why";
  return { kind: "none", outcome: may.kind === "refused" ? outcomeOfRefusal(may.trouble) : "unavailable", detail: `no snapshot of ${volume} was made: ${why}` };
}
