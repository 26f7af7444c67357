import type { Held } from "../../../src/core/held.ts";
import type { LockWorth } from "../../../src/core/lock.ts";
import type { Receipt } from "../../../src/core/vault.ts";
import { printable } from "../../../src/core/printable.ts";
import { wordsOf } from "../client/refused.ts";
import type { LockRead, LockShown } from "./snapshot-lock.ts";
import type { Ec2Snapshot } from "./snapshot-look.ts";

/** What EC2 shows of a snapshot and its lock, against what was asked. A lock that may not be read is unknown, not absent. */
export function lockReceipt({ uri, bytes, asked }: Held, snapshot: Ec2Snapshot, read: LockRead, looked: readonly string[]): Receipt {
  const lock = read.kind === "read" ? read.lock : null;
  const worth = read.kind === "refused" ? "unknown" : worthOf(lock);
  // Cut, not rounded: a lock never lasts longer than it is said to.
  const retainUntil = lock?.LockExpiresOn === undefined ? null : `${lock.LockExpiresOn.toISOString().slice(0, 19)}Z`;
  const problems = [...snapshotProblems(snapshot, bytes), ...(read.kind === "refused" ? [`its lock may not be read: ${wordsOf(read)}`] : lockProblems(lock))];
  if (lock !== null && retainUntil === null) {
    const pending = snapshot.State === "pending";
    problems.push(`EC2 shows no end of its lock${pending ? "; a lock on a pending snapshot begins when it is completed" : ""}`);
  } else if (retainUntil !== null && Date.parse(retainUntil) < Date.parse(asked.retainUntil))
    problems.push(`it is locked until ${retainUntil}, not until ${asked.retainUntil}`);
  if (asked.legalHold) problems.push("a legal hold was asked, which EBS does not know");
  const sealed = worth === "irrevocable" && problems.length === 0;
  return {
    uri,
    version: null,
    bytes: String(bytes),
    encoding: "identity",
    // There are no bytes here that anybody could have hashed.
    checksum: { algorithm: "sha256", type: "full", value: "", partSize: "0" },
    lock: worth,
    mode: lock === null ? null : "snapshot",
    retainUntil,
    legalHold: null,
    sealed,
    text: sealed
      ? `EBS snapshot lock in compliance mode: nobody can delete the snapshot or shorten the lock before ${retainUntil}; the lock does not protect its KMS key`
      : problems.join("; "),
    problems,
    requestIds: [...looked, ...(read.kind === "refused" ? [read.requestId] : read.requestIds)],
  };
}

function worthOf(lock: LockShown | null): LockWorth {
  if (lock === null) return "none";
  switch (lock.LockState) {
    case "compliance":
      return "irrevocable";
    case "compliance-cooloff":
    case "governance":
      return "bypassable";
    case "expired":
      return "none";
    case undefined:
      return "unknown";
    default:
      lock.LockState satisfies never;
      return "unknown"; // a state of a later API
  }
}

function lockProblems(lock: LockShown | null): readonly string[] {
  if (lock === null) return ["it is not locked"];
  switch (lock.LockState) {
    case "compliance":
      return [];
    case "compliance-cooloff":
      return [`its lock can be lifted until its cooling-off period ends (${lock.CoolOffPeriodExpiresOn?.toISOString() ?? "EC2 does not say when"})`];
    case "governance":
      return ["its lock is in governance mode: who has the right can lift it"];
    case "expired":
      return ["its lock has expired"];
    case undefined:
      return ["EC2 does not say what its lock is"];
    default:
      lock.LockState satisfies never;
      return ["EC2 says a state of its lock that this release does not know"];
  }
}

function snapshotProblems({ State, StateMessage, VolumeSize }: Ec2Snapshot, bytes: number): readonly string[] {
  const problems: string[] = [];
  if (State !== "completed" && State !== "pending")
    problems.push(`the snapshot is in state ${State ?? "unknown"}${StateMessage === undefined ? "" : `: ${printable(StateMessage)}`}`);
  if (VolumeSize !== undefined && VolumeSize * 2 ** 30 !== bytes) problems.push(`it is of ${VolumeSize} GiB, ${bytes} bytes were recorded`);
  return problems;
}
