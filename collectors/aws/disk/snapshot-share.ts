import type { Done, StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Aws } from "../aws.ts";
import { refusedDone, wordsOf } from "../client/refused.ts";
import type { CopyMemory } from "./copy-memory.ts";

/** Whether the account may make volumes of the snapshot; in words where that cannot be read. */
export async function isShared(aws: Aws, snapshot: string, account: string, signal: AbortSignal): Promise<boolean | string> {
  const answer = await aws.link.ask("source", null, "ec2:DescribeSnapshotAttribute", { SnapshotId: snapshot, Attribute: "createVolumePermission" }, signal);
  if (answer.kind === "refused") return wordsOf(answer);
  return (answer.value.CreateVolumePermissions ?? []).some(({ UserId }) => UserId === account);
}

/** Lets the evidence account at one snapshot. Remembered before it is asked, so that no share is ever forgotten. */
export async function shareSnapshot(aws: Aws, snapshot: string, account: string, memory: CopyMemory, at: StepContext, signal: AbortSignal): Promise<Done> {
  if (memory.sharing !== null && memory.sharing.snapshot !== snapshot)
    throw new HoldfastError("unexpected", `${memory.sharing.snapshot} is still shared; report this`);
  if (memory.sharing === null) memory.shares += 1;
  memory.sharing = { snapshot, account, ending: false };
  at.remember(memory);
  const asked = { SnapshotId: snapshot, Attribute: "createVolumePermission", OperationType: "add", UserIds: [account] } as const;
  const answer = await aws.link.ask("source", null, "ec2:ModifySnapshotAttribute", { ...asked, UserIds: [account] }, signal);
  if (answer.kind === "refused") return recorded(at, `share:${memory.shares}`, refusedDone(`${snapshot} is not shared with account ${account}`, answer));
  const shared = await showsShare(aws, snapshot, account, signal);
  const ids = [answer.requestId];
  if (shared === false)
    return recorded(at, `share:${memory.shares}`, {
      kind: "failed",
      detail: `EC2 accepted the share of ${snapshot} with account ${account} and does not show it`,
      result: null,
      requestIds: ids,
    });
  const unread = shared === true ? "" : `; it could not be read back (${shared})`;
  return recorded(at, `share:${memory.shares}`, {
    kind: "done",
    detail: `${snapshot} shared with account ${account}${unread}`,
    result: { snapshot, account },
    requestIds: ids,
  });
}

/** EC2 shows its own changes late (API reference, "Eventual consistency"): one look is not enough to say that it is not there. */
async function showsShare(aws: Aws, snapshot: string, account: string, signal: AbortSignal): Promise<boolean | string> {
  for (let look = 1; ; look += 1) {
    const shared = await isShared(aws, snapshot, account, signal);
    if (shared !== false || look >= 4) return shared;
    await aws.sleep(1000 * 2 ** look, signal);
  }
}

/** How long a share that cannot be withdrawn is tried for, beyond the retries of the link. */
const rounds = 3;

/**
 * Withdraws whatever share this step may have open. Gives null when none is left, else why it stays; it then stays remembered, and
 * `cleanup` finds it.
 */
export async function withdrawShare(aws: Aws, memory: CopyMemory, at: StepContext, signal: AbortSignal): Promise<string | null> {
  if (memory.sharing === null) return null;
  const { snapshot, account } = memory.sharing;
  // Whoever is killed from here on withdraws first and shares anew: each share is an act, and each end of one.
  memory.sharing = { snapshot, account, ending: true };
  at.remember(memory);
  let why = "";
  for (let round = 1; round <= rounds; round += 1) {
    const tried = await tryWithdraw(aws, snapshot, account, round, signal);
    if (tried.kind === "gone") {
      await at.record(`unshare:${memory.shares}`, {
        kind: "done",
        detail: `share of ${snapshot} with account ${account} withdrawn${tried.how}`,
        result: { snapshot, account },
        requestIds: tried.requestIds,
      });
      memory.sharing = null;
      at.remember(memory);
      return null;
    }
    why = tried.why;
  }
  return `the share of ${snapshot} with account ${account} could not be withdrawn (${why}); run \`holdfast cleanup ${at.collection}\``;
}

type Withdrawn = { readonly kind: "gone"; readonly how: string; readonly requestIds: readonly string[] } | { readonly kind: "stays"; readonly why: string };

async function tryWithdraw(aws: Aws, snapshot: string, account: string, round: number, signal: AbortSignal): Promise<Withdrawn> {
  try {
    if (round > 1) await aws.sleep(15_000 * round, signal);
    const input = { SnapshotId: snapshot, Attribute: "createVolumePermission" as const, OperationType: "remove" as const, UserIds: [account] };
    const answer = await aws.link.ask("source", null, "ec2:ModifySnapshotAttribute", input, signal);
    if (answer.kind === "refused" && answer.trouble === "missing") return { kind: "gone", how: ": the snapshot is gone", requestIds: [answer.requestId] };
    if (answer.kind === "refused") return { kind: "stays", why: wordsOf(answer) };
    const shared = await isShared(aws, snapshot, account, signal);
    if (shared === true) return { kind: "stays", why: "EC2 accepted it and shows the share still" };
    return { kind: "gone", how: shared === false ? "" : `; it could not be read back (${shared})`, requestIds: [answer.requestId] };
  } catch (error) {
    if (signal.aborted) return { kind: "stays", why: "it was stopped before EC2 said so" };
    if (!(error instanceof HoldfastError)) throw error;
    return { kind: "stays", why: error.message };
  }
}

async function recorded(at: StepContext, once: string, done: Done): Promise<Done> {
  await at.record(once, done);
  return done;
}
