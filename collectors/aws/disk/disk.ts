import type { Done, Opened, StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { HeldExhibit } from "../../../src/core/held.ts";
import type { Step } from "../../../src/core/plan.ts";
import { wholeSecond } from "../../../src/core/retention.ts";
import type { Aws } from "../aws.ts";
import { diskText, disksOf, namedDisks, wantsSnapshots } from "./disks.ts";
import { heldSnapshot } from "./held-snapshot.ts";
import { wordsOf } from "../client/refused.ts";
import { rank, type Room, stepOf } from "../room.ts";
import { lockEnd, lockSnapshot } from "./snapshot-lock.ts";
import { type MadeSnapshot, parseSet, snapshotOf } from "./snapshot-set.ts";
import { awaitSnapshot } from "./snapshot-wait.ts";

const here = { scope: "source", region: null } as const;

/**
 * A locked snapshot is an exhibit by itself. Each volume has its own lane: locks must not wait for the completion of another
 * volume's snapshot, which takes hours, and whoever holds the account could delete it meanwhile.
 */
export const diskRoom: Room = {
  async plan(_aws, look, wish) {
    if (!wantsSnapshots(wish)) return [];
    const disks = disksOf(look);
    namedDisks(disks, wish);
    if (disks.length === 0) {
      const notOffered = "the instance has no EBS volumes: its root is instance store, which no snapshot holds and which is lost when it stops";
      const title = "snapshots: none, the instance has no EBS volumes";
      return [stepOf({ id: "disk", does: "exhibit", kind: "disk", lane: "disk", rank: rank.disk, room: "disk", title, calls: [], input: { notOffered } })];
    }
    const planned = disks.map(({ volume }) => volume);
    return disks.map((disk, i) =>
      stepOf({
        id: `disk:${disk.volume}`,
        does: "exhibit",
        kind: "disk",
        lane: `disk:${disk.volume}`,
        rank: rank.disk,
        room: "disk",
        title: `snapshot of ${diskText(disk)}, locked in place`,
        calls: ["ec2:LockSnapshot", "ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"],
        after: ["snapshots"],
        bytes: 0, // what it holds stays with AWS
        // The first looks after what was attached since the plan and has no step.
        input: { volume: disk.volume, device: disk.device, ...(i === 0 ? { planned } : {}) },
      }),
    );
  },

  async open(aws, step, at, signal) {
    const { volume, device } = diskInput(step);
    const made = await snapshotOf(aws, volume, at, signal);
    if ("kind" in made) return made;
    const again = at.remembered() !== null;
    at.remember({ snapshot: made.snapshot });
    const lock = await lockSnapshot(aws, here, made.snapshot, at.retainUntil, again, signal);
    await at.record(`lock:${made.snapshot}`, lock);
    const notes = [...notesOf(lock, at.legalHold, at.retainUntil, aws), ...(await lockStrays(aws, step, at, again, signal))];
    const end = await awaitSnapshot(aws, here, made.snapshot, signal);
    const exhibit = (more: readonly string[], outcome: HeldExhibit["outcome"]): Opened => ({
      kind: "held",
      exhibit: heldSnapshot(aws, { ...here, region: aws.link.region }, at, nameOf(made, device), made, [...notes, ...more], outcome, lock.requestIds),
    });
    switch (end.kind) {
      case "completed":
        return exhibit([], "collected");
      case "unseen":
        return exhibit([`whether it was completed may not be looked at: ${wordsOf(end.refused)}`], "truncated");
      case "broken":
        return { kind: "none", outcome: "failed", detail: [`snapshot ${made.snapshot} of ${volume}: ${end.text}`, ...notes].join("; ") };
      default:
        return end satisfies never;
    }
  },
};

/** Snapshots of the set that no step of the plan is for: locked all the same, and named. */
async function lockStrays(aws: Aws, step: Step, at: StepContext, again: boolean, signal: AbortSignal): Promise<readonly string[]> {
  const { planned } = step.input;
  if (!Array.isArray(planned)) return [];
  const notes: string[] = [];
  for (const { volume, snapshot } of parseSet(at.earlier("snapshots")) ?? []) {
    if (planned.includes(volume)) continue;
    const lock = await lockSnapshot(aws, here, snapshot, at.retainUntil, again, signal);
    await at.record(`lock:${snapshot}`, lock);
    notes.push(`${volume} was attached after the plan was made and is no exhibit of this collection, collect again; its snapshot: ${lock.detail}`);
  }
  return notes;
}

export function diskInput(step: Step): { readonly volume: string; readonly device: string } {
  const { volume, device } = step.input;
  if (typeof volume !== "string" || typeof device !== "string")
    throw new HoldfastError("unexpected", `step ${step.id} names no volume; it is not one that the AWS collector planned`);
  return { volume, device };
}

function nameOf({ snapshot, volume, sizeGiB, startTime }: MadeSnapshot, device: string): string {
  return `${snapshot} of ${diskText({ volume, device, sizeGiB })}, ${startTime}`;
}

/** What a person must know of a lock beside what is read back. */
export function notesOf(lock: Done, legalHold: boolean, retainUntil: string, aws: Pick<Aws, "clock">): readonly string[] {
  const notes: string[] = [];
  if (lock.kind !== "done" && lock.kind !== "already") notes.push(lock.detail);
  const end = lockEnd(retainUntil, aws.clock());
  if (end.getTime() < Date.parse(retainUntil)) notes.push(`EC2 locks for 36,500 days at most: until ${wholeSecond(end)}, not ${retainUntil}`);
  if (legalHold) notes.push("EBS knows no legal hold: extend the lock before it ends (`holdfast retain extend`)");
  return notes;
}
