import type { Done } from "../../../src/core/collector.ts";
import { wholeSecond } from "../../../src/core/retention.ts";
import type { Aws } from "../aws.ts";
import type { Output } from "../client/link.ts";
import { allPages } from "../client/pages.ts";
import { type Refused, refusedDone } from "../client/refused.ts";
import type { Where } from "./snapshot-look.ts";

export type LockShown = NonNullable<Output<"ec2:DescribeLockedSnapshots">["Snapshots"]>[number];
export type LockRead = { readonly kind: "read"; readonly lock: LockShown | null; readonly requestIds: readonly string[] } | Refused;

/** The lock as EC2 shows it, or none. The SDK has no paginator for it (facts: pages may be empty and go on). */
export async function readLock(aws: Pick<Aws, "link">, where: Where, snapshot: string, signal: AbortSignal): Promise<LockRead> {
  const call = "ec2:DescribeLockedSnapshots";
  const read = await allPages(call, (from) => aws.link.ask(where.scope, where.region, call, { SnapshotIds: [snapshot], ...from }, signal));
  if (read.kind === "refused") return read;
  const lock = read.pages.flatMap(({ Snapshots = [] }) => Snapshots).find(({ SnapshotId }) => SnapshotId === snapshot);
  return { kind: "read", lock: lock ?? null, requestIds: read.requestIds };
}

const day = 24 * 60 * 60_000;
/** LockDuration's bounds; what a date may be is not said and is kept within them (API reference, LockSnapshot). */
const [least, most] = [day + 30 * 60_000, 36_500 * day - 60 * 60_000];

/** The end to ask for: as wished, but never sooner than a day from now nor later than 36,500 days. */
export function lockEnd(wished: string, now: Date): Date {
  return new Date(Math.min(now.getTime() + most, Math.max(now.getTime() + least, Date.parse(wished))));
}

/**
 * Locks in compliance mode without a cooling-off period: at once nobody can delete it or shorten the lock. Works while the snapshot
 * is pending. `asked`: an earlier attempt may have locked it, which is looked at first, for a lock cannot be set a second time to
 * the same end (only extended).
 */
export async function lockSnapshot(aws: Aws, where: Where, snapshot: string, retainUntil: string, asked: boolean, signal: AbortSignal): Promise<Done> {
  const end = lockEnd(retainUntil, aws.clock());
  const shown = wholeSecond(end);
  const locked = async (): Promise<Done | null> => {
    const read = await readLock(aws, where, snapshot, signal);
    if (read.kind === "refused" || read.lock === null || !isEnough(read.lock, retainUntil)) return null;
    const detail = `${snapshot} is locked in compliance mode until ${read.lock.LockExpiresOn?.toISOString() ?? "a date that EC2 shows once it is completed"}`;
    return { kind: asked ? "done" : "already", detail, result: { snapshot, retainUntil: shown }, requestIds: read.requestIds };
  };
  const earlier = asked ? await locked() : null;
  if (earlier !== null) return earlier;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await aws.link.ask(
      where.scope,
      where.region,
      "ec2:LockSnapshot",
      { SnapshotId: snapshot, LockMode: "compliance", ExpirationDate: end },
      signal,
    );
    if (answer.kind === "answer") {
      const state = answer.value.LockState ?? "no state";
      const longer = Date.parse(retainUntil) < end.getTime() ? " (EC2 locks for a day at least)" : "";
      const detail = `${snapshot} locked in compliance mode until ${shown}${longer}, without a cooling-off period; EC2 says ${state}`;
      return { kind: "done", detail, result: { snapshot, retainUntil: shown }, requestIds: [answer.requestId] };
    }
    // What was made a moment ago may not be known everywhere yet.
    if (answer.trouble === "missing" && attempt < 5) await aws.sleep(1000 * 2 ** attempt, signal);
    else return (await locked()) ?? refusedDone(`${snapshot} is not locked`, answer);
  }
}

/** A lock placed while pending has no end until completion. */
function isEnough({ LockState, LockExpiresOn }: LockShown, retainUntil: string): boolean {
  return LockState === "compliance" && (LockExpiresOn === undefined || LockExpiresOn.getTime() >= Date.parse(retainUntil));
}
