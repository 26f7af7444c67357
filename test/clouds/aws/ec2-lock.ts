import { type Ec2Snapshot, type SnapshotLock, snapshotState } from "./ec2-world.ts";
import type { XmlObject } from "./wire-xml.ts";

const hour = 3_600_000;
const day = 24 * hour;

export type LockState = "governance" | "compliance-cooloff" | "compliance" | "expired";

/** A lock that was set while the snapshot was pending begins when it is completed (facts/aws §1.1); null until then. */
function startOf({ doneAt }: Ec2Snapshot, lock: SnapshotLock): number {
  return Math.max(doneAt, lock.created.getTime());
}

/** Milliseconds; Infinity for a duration that will never begin. */
export function endOf(snapshot: Ec2Snapshot, lock: SnapshotLock): number {
  return lock.until.kind === "date" ? lock.until.date.getTime() : startOf(snapshot, lock) + lock.until.days * day;
}

export function lockState(snapshot: Ec2Snapshot, lock: SnapshotLock, now: Date): LockState {
  if (snapshotState(snapshot, now) !== "pending" && endOf(snapshot, lock) <= now.getTime()) return "expired";
  if (lock.mode === "governance") return "governance";
  return now.getTime() < coolOffEnd(lock) ? "compliance-cooloff" : "compliance";
}

export function lockIsOn(snapshot: Ec2Snapshot, now: Date): boolean {
  return snapshot.lock !== null && lockState(snapshot, snapshot.lock, now) !== "expired";
}

function coolOffEnd({ created, coolOff }: SnapshotLock): number {
  return coolOff === null ? created.getTime() : created.getTime() + coolOff * hour;
}

/** As LockSnapshot answers and DescribeLockedSnapshots shows it. */
export function shownLock(snapshot: Ec2Snapshot, lock: SnapshotLock, now: Date): XmlObject {
  const begun = snapshotState(snapshot, now) !== "pending";
  const days = lock.until.kind === "days" ? lock.until.days : Math.max(1, Math.ceil((lock.until.date.getTime() - startOf(snapshot, lock)) / day));
  return {
    snapshotId: snapshot.id,
    lockState: lockState(snapshot, lock, now),
    lockDuration: days,
    coolOffPeriod: lock.coolOff,
    coolOffPeriodExpiresOn: lock.coolOff === null ? null : new Date(coolOffEnd(lock)),
    lockCreatedOn: lock.created,
    lockDurationStartTime: begun ? new Date(startOf(snapshot, lock)) : null,
    lockExpiresOn: begun ? new Date(endOf(snapshot, lock)) : null,
  };
}
