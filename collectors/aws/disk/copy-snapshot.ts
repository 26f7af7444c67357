import type { StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Aws } from "../aws.ts";
import { type Refused, wordsOf } from "../client/refused.ts";
import { copyTag, type Ec2Snapshot, lookForTags, lookPatiently, tagOf, type Where } from "./snapshot-look.ts";
import { tagsOf } from "../tags.ts";

export type CopyOrder = {
  readonly from: { readonly snapshot: string; readonly region: string };
  readonly to: Where;
  /** Null: the destination account's default key. */
  readonly kmsKey: string | null;
  /** Goes onto its tags, and it is found again by that. */
  readonly once: string;
  /** Whether an earlier attempt may have asked already. */
  readonly asked: boolean;
  /** Copies of it that ended in error: never taken for the one that is wanted. */
  readonly failed: readonly string[];
};
export type Copied = { readonly kind: "copied"; readonly snapshot: string; readonly requestIds: readonly string[] } | Refused;

/** 20 copies at a time go into one Region (facts/aws §1.3): a place is waited for, at most so often. */
const [places, placeMs] = [60, 60_000];

/** Where the account may be an attacker's, what is found by a tag must carry one that nobody could know before it was made. */
const onceTag = "holdfast:once";

function startOf({ StartTime: start }: Ec2Snapshot): number {
  return start?.getTime() ?? Number.POSITIVE_INFINITY;
}

/** Makes one copy, found again by its tags where an answer was lost or a process was killed. */
export async function copySnapshot(aws: Aws, { from, to, kmsKey, once, asked, failed }: CopyOrder, at: StepContext, signal: AbortSignal): Promise<Copied> {
  const find = async (tries: number): Promise<Ec2Snapshot | null> => {
    const fits = (one: Ec2Snapshot): boolean => one.SnapshotId !== undefined && !failed.includes(one.SnapshotId) && tagOf(one, copyTag) === from.snapshot;
    const look = (): ReturnType<typeof lookForTags> =>
      lookForTags(aws, to, { "holdfast:collection": at.collection, [copyTag]: from.snapshot, [onceTag]: once }, signal);
    const looked = await lookPatiently(aws, tries, look, (seen) => seen.some(fits), signal);
    // Tags can be copied as soon as they can be seen, and then there are two: ours was the first.
    if (looked.kind === "seen") return looked.snapshots.filter(fits).toSorted((a, b) => startOf(a) - startOf(b))[0] ?? null;
    throw new HoldfastError("unreachable", `whether ${from.snapshot} was copied already may not be looked at (${wordsOf(looked)}); no second copy is made`);
  };
  const earlier = asked ? await find(5) : null;
  if (earlier?.SnapshotId !== undefined) return { kind: "copied", snapshot: earlier.SnapshotId, requestIds: [] };
  for (let place = 1; ; place += 1) {
    const answer = await aws.link.ask(
      to.scope,
      to.region,
      "ec2:CopySnapshot",
      {
        SourceRegion: from.region,
        SourceSnapshotId: from.snapshot,
        Encrypted: true,
        ...(kmsKey === null ? {} : { KmsKeyId: kmsKey }),
        Description: `holdfast ${at.case} ${at.collection}: copy of ${from.snapshot}`.slice(0, 255),
        // A copy has none of the tags of what it was made from.
        TagSpecifications: [
          {
            ResourceType: "snapshot",
            Tags: [
              ...tagsOf({ case: at.case, collection: at.collection, exhibit: at.exhibit }),
              { Key: copyTag, Value: from.snapshot },
              { Key: onceTag, Value: once },
            ],
          },
        ],
      },
      signal,
      {
        settle: async () => {
          const found = await find(5);
          return found?.SnapshotId === undefined
            ? null
            : { kind: "answer", value: { $metadata: {}, SnapshotId: found.SnapshotId }, requestId: "", date: null, wire: null };
        },
      },
    );
    if (answer.kind === "answer") {
      const { SnapshotId } = answer.value;
      if (SnapshotId === undefined) throw new HoldfastError("unexpected", `EC2 copied ${from.snapshot} and does not say to what`);
      return { kind: "copied", snapshot: SnapshotId, requestIds: answer.requestId === "" ? [] : [answer.requestId] };
    }
    // A share is not known everywhere at once.
    if (answer.trouble === "missing" && place < 4) await aws.sleep(5000 * place, signal);
    else if (answer.trouble === "limit" && place < places) await aws.sleep(placeMs, signal);
    else return answer;
  }
}
