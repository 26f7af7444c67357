import type { Json } from "../../../src/core/act.ts";
import type { Done, StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Step } from "../../../src/core/plan.ts";
import type { Aws } from "../aws.ts";
import { diskText, disksOf, wantsSnapshots } from "./disks.ts";
import { instanceStore } from "./instance-store.ts";
import type { Answer, Output } from "../client/link.ts";
import { lookAtInstance } from "../look.ts";
import { refusedDone, wordsOf } from "../client/refused.ts";
import { rank, type Room, stepOf } from "../room.ts";
import { copyTag, type Ec2Snapshot, type Looked, lookForTags, lookPatiently, tagOf } from "./snapshot-look.ts";
import { type MadeSnapshot, madeSnapshot, mapOf } from "./snapshot-set.ts";
import { snapshotDoctor } from "./snapshots-doctor.ts";
import { tagsOf } from "../tags.ts";

/**
 * One snapshot set of all EBS volumes, at one moment, and never a second one. Tags of the volumes are not copied: whoever owns the
 * account chose them, up to all fifty that there may be, and a clean-up by tags would follow them to the evidence.
 */
export const snapshotsRoom: Room = {
  async plan(aws, look, wish, signal) {
    if (!wantsSnapshots(wish)) return [];
    const disks = disksOf(look);
    if (disks.length === 0) return []; // room disk says so
    const lost = await instanceStore(aws, look, signal);
    return [
      stepOf({
        id: "snapshots",
        does: "act",
        kind: "disk",
        lane: "disk",
        rank: rank.disk,
        room: "snapshots",
        title: `one crash-consistent snapshot set of all ${disks.length} EBS volumes: ${disks.map(diskText).join(", ")}${lost === null ? "" : `; ${lost}`}`,
        calls: ["ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots", "ec2:CreateSnapshots"],
        bytes: 0,
        seconds: 10,
        input: { volumes: disks.map(({ volume }) => volume), lost },
      }),
    ];
  },

  async before(aws, _step, at, signal) {
    const volumes = disksOf(await lookAtInstance(aws, signal)).map((disk) => ({ ...disk }));
    // What carries our tag before we made anything was put there by somebody else, and is never taken for ours.
    const tagged = await lookForTags(aws, here, { "holdfast:collection": at.collection }, signal);
    const foreign = tagged.kind === "refused" ? [] : tagged.snapshots.flatMap(({ SnapshotId }) => SnapshotId ?? []);
    return { volumes, foreign };
  },

  async act(aws, step, before, at, signal) {
    const was = mapOf(before);
    const find = (tries: number): Promise<Looked> => findOwn(aws, at, was, tries, signal);
    if (at.remembered() !== null) {
      const earlier = await find(5);
      if (earlier.kind === "refused") return unsure(wordsOf(earlier));
      if (earlier.snapshots.length > 0) return doneOf(step, was, earlier.snapshots, earlier.requestIds, "found again after an interruption");
    }
    at.remember({ asked: true });
    const answer = await aws.link.ask(
      "source",
      null,
      "ec2:CreateSnapshots",
      {
        InstanceSpecification: { InstanceId: aws.instance.instance },
        Description: `holdfast ${at.case} ${at.collection}`.slice(0, 255),
        TagSpecifications: [{ ResourceType: "snapshot", Tags: tagsOf({ case: at.case, collection: at.collection }) }],
      },
      signal,
      { settle: async () => settled(await find(5)) },
    );
    if (answer.kind === "refused") return refusedDone(`no snapshot was made of ${aws.arn}`, answer);
    const { Snapshots = [] } = answer.value;
    if (Snapshots.length === 0) return unsure("EC2 answered without naming one");
    return doneOf(step, was, Snapshots, [answer.requestId], "by one CreateSnapshots");
  },

  doctor: snapshotDoctor,
};

const here = { scope: "source", region: null } as const;

/** This collection's own set. It is looked for until it has as many as there were volumes. */
async function findOwn(aws: Aws, at: StepContext, was: { readonly [key: string]: Json }, tries: number, signal: AbortSignal): Promise<Looked> {
  const foreign = listOf(was["foreign"]);
  const own = (snapshots: readonly Ec2Snapshot[]): readonly Ec2Snapshot[] =>
    snapshots.filter((one) => tagOf(one, copyTag) === null && one.SnapshotId !== undefined && !foreign.includes(one.SnapshotId));
  const look = (): Promise<Looked> => lookForTags(aws, here, { "holdfast:collection": at.collection }, signal);
  const looked = await lookPatiently(aws, tries, look, (seen) => own(seen).length >= listOf(was["volumes"]).length, signal);
  return looked.kind === "refused" ? looked : { ...looked, snapshots: own(looked.snapshots) };
}

/**
 * StartTime is the same for all snapshots of one request (API reference, SnapshotInfo). Where a tag was copied onto others there is
 * more than one moment: ours is that of the most volumes, and of equals the first.
 */
function setOf(all: readonly MadeSnapshot[], planned: readonly Json[]): readonly MadeSnapshot[] {
  const moments = [...Map.groupBy(all, ({ startTime }) => startTime)].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, set]) => set);
  const worth = (set: readonly MadeSnapshot[]): number => new Set(set.map(({ volume }) => volume).filter((volume) => planned.includes(volume))).size;
  return moments.reduce((best, set) => (worth(set) > worth(best) ? set : best), moments[0] ?? []);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** After a lost answer: a look that is refused says nothing, and asking again could make a second set. */
function settled(looked: Looked): Answer<Output<"ec2:CreateSnapshots">> | null {
  if (looked.kind === "refused")
    throw new HoldfastError("unreachable", `ec2:CreateSnapshots: its answer was lost, and what became of it may not be looked at (${wordsOf(looked)})`);
  if (looked.snapshots.length === 0) return null;
  return { kind: "answer", value: { $metadata: {}, Snapshots: [...looked.snapshots] }, requestId: looked.requestIds.at(-1) ?? "", date: null, wire: null };
}

function unsure(why: string): Done {
  const detail = `whether a snapshot set of this collection exists is not known, and no second one is made: ${why}; look for snapshots tagged holdfast:collection`;
  return { kind: "failed", detail, result: null, requestIds: [] };
}

function doneOf(step: Step, was: { readonly [key: string]: Json }, seen: readonly Ec2Snapshot[], requestIds: readonly string[], how: string): Done {
  const volumes = listOf(was["volumes"]).map(mapOf);
  const all = seen.map((one) => {
    const kmsKey = volumes.find(({ volume }) => volume === one.VolumeId)?.["kmsKey"];
    return madeSnapshot(one, typeof kmsKey === "string" ? kmsKey : null);
  });
  const planned = listOf(step.input["volumes"] as Json | undefined);
  const set = setOf(all, planned);
  const [{ startTime: first = "" } = {}] = set;
  const notes = [`${set.length} snapshots of one moment, ${first}, ${how}: ${set.map(({ volume, snapshot }) => `${volume} → ${snapshot}`).join(", ")}`];
  for (const { snapshot } of all.filter((one) => !set.includes(one)))
    notes.push(`${snapshot} carries this collection's tag and is of another moment: it is not used`);
  for (const { volume, snapshot } of set.filter((one) => !planned.includes(one.volume)))
    notes.push(`${volume} was attached after the plan was made: ${snapshot} is locked and is no exhibit; collect again`);
  for (const volume of planned.filter((id) => !set.some((one) => one.volume === id)))
    notes.push(`${volume} is not among them: it was detached after the plan was made`);
  for (const { volume, others } of volumes)
    if (listOf(others).length > 0) notes.push(`${volume} is attached to ${listOf(others).join(", ")} too: what they had not yet written is not in it`);
  const lost = step.input["lost"];
  if (typeof lost === "string") notes.push(lost);
  return { kind: "done", detail: notes.join("; "), result: set, requestIds };
}
