/** LockSnapshot and its like: who may shorten, lengthen or lift a lock, and when. */
import { endOf, lockIsOn, lockState, shownLock } from "./ec2-lock.ts";
import { listed, matches } from "./ec2-listing.ts";
import { here } from "./ec2-network-world.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import { checkSnapshotId, noSnapshot, ownSnapshot } from "./ec2-snapshots.ts";
import { type Ec2Snapshot, type Ec2World, type SnapshotLock, snapshotState } from "./ec2-world.ts";
import { numberOf, requiredText, textOf, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";

const day = 24 * 3_600_000;

export function lockOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    LockSnapshot: (call) => lockSnapshot(world, call),
    UnlockSnapshot: (call) => unlockSnapshot(world, call),
    DescribeLockedSnapshots: (call) => describeLocked(world, call),
  };
}

function lockSnapshot(world: Ec2World, call: Call): () => Reply {
  const snapshot = ownSnapshot(world, call);
  if (snapshotState(snapshot, call.now) === "error") throw new AwsRefusal("IncorrectState", `The snapshot '${snapshot.id}' is in the error state.`);
  const lock = settled(world, snapshot, lockAsked(call), call.now);
  return () => {
    if (!world.lies.has("lock-accepted-not-there")) snapshot.lock = lock;
    return { xml: shownLock(snapshot, lock, call.now) };
  };
}

function lockAsked(call: Call): SnapshotLock {
  const mode = requiredText(call.params, "LockMode");
  if (mode !== "governance" && mode !== "compliance") throw wrong(`Value (${mode}) for parameter LockMode is invalid.`);
  const coolOff = numberOf(call.params, "CoolOffPeriod");
  if (coolOff !== null && mode === "governance") throw new AwsRefusal("InvalidParameterCombination", "CoolOffPeriod cannot be specified in governance mode.");
  if (coolOff !== null && !(Number.isInteger(coolOff) && coolOff >= 1 && coolOff <= 72)) throw wrong("CoolOffPeriod must be between 1 and 72 hours.");
  return { mode, created: call.now, coolOff, until: untilAsked(call) };
}

function untilAsked(call: Call): SnapshotLock["until"] {
  const days = numberOf(call.params, "LockDuration");
  const text = textOf(call.params, "ExpirationDate");
  if ((days === null) === (text === null)) throw new AwsRefusal("InvalidParameterCombination", "Specify either LockDuration or ExpirationDate, and not both.");
  if (days !== null) {
    if (!(Number.isInteger(days) && days >= 1 && days <= 36_500)) throw wrong("LockDuration must be between 1 and 36500 days.");
    return { kind: "days", days };
  }
  const date = new Date(text ?? "");
  const ahead = (date.getTime() - call.now.getTime()) / day;
  if (!(ahead >= 1 && ahead <= 36_500)) throw wrong("ExpirationDate must lie between 1 and 36500 days ahead.");
  return { kind: "date", date };
}

/** A lock in force binds what may replace it (API reference, LockSnapshot: the allowed modifications). */
function settled(world: Ec2World, snapshot: Ec2Snapshot, asked: SnapshotLock, now: Date): SnapshotLock {
  const known = snapshot.lock;
  const fresh = asked.mode === "compliance" && asked.coolOff === null && world.lies.has("lock-cooloff") ? { ...asked, coolOff: 24 } : asked;
  if (known === null) return fresh;
  const state = lockState(snapshot, known, now);
  switch (state) {
    case "governance":
    case "expired":
      return fresh;
    case "compliance-cooloff":
      // Without a new period the one that runs goes on (assumed).
      return asked.mode === "compliance" && asked.coolOff === null ? { ...asked, coolOff: known.coolOff, created: known.created } : asked;
    case "compliance": {
      if (asked.mode === "governance") throw notPermitted(snapshot, "its lock mode can't be changed");
      if (asked.coolOff !== null)
        throw new AwsRefusal("InvalidParameterCombination", "CoolOffPeriod cannot be specified: the snapshot is locked in compliance mode.");
      const longer: SnapshotLock = { ...known, until: asked.until };
      if (endOf(snapshot, longer) < endOf(snapshot, known)) throw notPermitted(snapshot, "its lock duration can only be increased");
      return longer;
    }
    default:
      return state satisfies never;
  }
}

function unlockSnapshot(world: Ec2World, call: Call): () => Reply {
  const snapshot = ownSnapshot(world, call);
  const { lock } = snapshot;
  if (lock === null || !lockIsOn(snapshot, call.now)) throw new AwsRefusal("IncorrectState", `The snapshot '${snapshot.id}' is not locked.`);
  if (lockState(snapshot, lock, call.now) === "compliance") throw notPermitted(snapshot, "it can't be unlocked");
  return () => {
    snapshot.lock = null;
    return { xml: { snapshotId: snapshot.id } };
  };
}

function describeLocked(world: Ec2World, call: Call): Reply {
  const ids = textsOf(call.params, "SnapshotId").map(checkSnapshotId);
  const mine = here(world.snapshots, call);
  for (const id of ids) if (!mine.some((one) => one.id === id)) throw noSnapshot(id);
  const locked = mine.flatMap((snapshot) => {
    const { lock } = snapshot;
    if (lock === null || (ids.length > 0 && !ids.includes(snapshot.id))) return [];
    const fields = { "lock-state": [lockState(snapshot, lock, call.now)] };
    return matches(call, { fields, tags: new Map() }) ? [{ ownerId: snapshot.account, ...shownLock(snapshot, lock, call.now) }] : [];
  });
  const { items, next } = listed(world, call, locked, { least: 5 });
  return { xml: { snapshotSet: { item: items }, nextToken: next } };
}

function notPermitted({ id }: Ec2Snapshot, why: string): AwsRefusal {
  return new AwsRefusal("OperationNotPermitted", `The snapshot '${id}' is locked in compliance mode: ${why}.`);
}

function wrong(sentence: string): AwsRefusal {
  return new AwsRefusal("InvalidParameterValue", sentence);
}
