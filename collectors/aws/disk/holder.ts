import { HoldfastError } from "../../../src/core/error.ts";
import type { Held, Holder } from "../../../src/core/held.ts";
import { wholeSecond } from "../../../src/core/retention.ts";
import type { ObjectState } from "../../../src/core/vault.ts";
import type { Aws } from "../aws.ts";
import { placeOf } from "./held-snapshot.ts";
import { lockReceipt } from "./lock-receipt.ts";
import { wordsOf } from "../client/refused.ts";
import { readLock } from "./snapshot-lock.ts";
import { lookAtSnapshot } from "./snapshot-look.ts";

/** What became of locked snapshots: read back from EC2, never assumed. */
export function snapshotHolder(open: (signal: AbortSignal) => Promise<Aws>): Holder {
  return {
    async attest(held, signal) {
      try {
        return await attestSnapshot(await open(signal), held, signal);
      } catch (error) {
        signal.throwIfAborted();
        // A role that may not be assumed and a service that does not answer say nothing of the snapshot.
        if (!(error instanceof HoldfastError) || (error.code !== "config" && error.code !== "unreachable")) throw error;
        return { kind: "unknown", text: `${held.uri}: ${error.message}` };
      }
    },
    extend: async (held, retainUntil, signal) => extendLock(await open(signal), held, retainUntil, signal),
  };
}

async function attestSnapshot(aws: Aws, held: Held, signal: AbortSignal): Promise<ObjectState> {
  const where = placeOf(held);
  const looked = await lookAtSnapshot(aws, where, where.snapshot, signal);
  // EC2 tells nobody that a snapshot is missing who may not describe snapshots.
  if (looked.kind === "refused")
    return looked.trouble === "missing"
      ? { kind: "missing", text: `${held.uri}: EC2 has no such snapshot (${wordsOf(looked)})` }
      : { kind: "unknown", text: `${held.uri}: it may not be looked at (${wordsOf(looked)})` };
  const snapshot = looked.snapshots.find(({ SnapshotId }) => SnapshotId === where.snapshot);
  if (snapshot === undefined) return { kind: "unknown", text: `${held.uri}: EC2 answered without it and without refusing` };
  return { kind: "present", receipt: lockReceipt(held, snapshot, await readLock(aws, where, where.snapshot, signal), looked.requestIds) };
}

async function extendLock(aws: Aws, held: Held, retainUntil: string, signal: AbortSignal): Promise<readonly string[]> {
  const where = placeOf(held);
  const before = await readLock(aws, where, where.snapshot, signal);
  if (before.kind === "refused") throw new HoldfastError("vault", `${held.uri}: its lock cannot be read (${wordsOf(before)}), so it is not changed`);
  const ends = before.lock?.LockExpiresOn;
  if (ends !== undefined && before.lock?.LockState !== "expired" && Date.parse(retainUntil) < ends.getTime())
    throw new HoldfastError("refused", `${held.uri} is locked until ${wholeSecond(ends)}; ${retainUntil} is not later: a lock is never shortened`);
  // EC2 refuses the end that a lock has already; it is what was asked.
  if (ends !== undefined && before.lock?.LockState === "compliance" && ends.getTime() === Date.parse(retainUntil)) return before.requestIds;
  const input = { SnapshotId: where.snapshot, LockMode: "compliance", ExpirationDate: new Date(retainUntil) } as const;
  const answer = await aws.link.ask(where.scope, where.region, "ec2:LockSnapshot", input, signal);
  if (answer.kind === "refused") throw new HoldfastError("vault", `${held.uri}: its lock was not extended to ${retainUntil} (${wordsOf(answer)})`);
  const after = await readLock(aws, where, where.snapshot, signal);
  const now = after.kind === "read" ? after.lock?.LockExpiresOn : undefined;
  if (now === undefined || now.getTime() < Date.parse(retainUntil))
    throw new HoldfastError(
      "vault",
      `${held.uri}: EC2 accepted a lock until ${retainUntil} and shows ${now?.toISOString() ?? "none"}; do not rely on the extension`,
    );
  return [...before.requestIds, answer.requestId, ...(after.kind === "read" ? after.requestIds : [])];
}
