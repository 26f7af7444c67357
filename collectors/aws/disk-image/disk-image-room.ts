import type { Opened, StepContext } from "../../../src/core/collector.ts";
import type { Aws } from "../aws.ts";
import { copyMemory } from "../disk/copy-memory.ts";
import { evidenceOf } from "../disk/copy-place.ts";
import { openSnapshotImage } from "./disk-image.ts";
import { diskInput } from "../disk/disk.ts";
import { diskText, disksOf, namedDisks, wants } from "../disk/disks.ts";
import { linkBlocks } from "./ebs-link.ts";
import { refusedNone } from "../client/refused.ts";
import { rank, type Room, stepOf } from "../room.ts";
import { lookAtSnapshot, type Where } from "../disk/snapshot-look.ts";
import { snapshotOf } from "../disk/snapshot-set.ts";

/** GetSnapshotBlock of one snapshot, a second (facts/aws §1.3); blocks of 512 KiB. */
const [blocksASecond, blocksAGiB] = [1000, 2048];

/** Raw images of the locked snapshots, straight from EBS direct: no worker machine, no volume, nothing on the target. */
export const diskImageRoom: Room = {
  async plan(_aws, look, wish) {
    if (!wants(wish, "disk-image")) return [];
    return namedDisks(disksOf(look), wish).map((disk) => {
      const blocks = disk.sizeGiB === null ? null : disk.sizeGiB * blocksAGiB;
      const most = blocks === null ? "" : `; at most ${blocks} blocks of 512 KiB are asked for, each a request that AWS charges; what was never written is not`;
      return stepOf({
        id: `disk-image:${disk.volume}`,
        does: "exhibit",
        kind: "disk-image",
        lane: "image",
        rank: rank.image,
        room: "disk-image",
        title: `raw image of ${diskText(disk)} from its locked snapshot${most}`,
        calls: ["ec2:DescribeSnapshots", "ebs:ListSnapshotBlocks", "ebs:GetSnapshotBlock"],
        after: [`disk:${disk.volume}`, `disk-copy:${disk.volume}`],
        bytes: disk.sizeGiB === null ? null : disk.sizeGiB * 2 ** 30,
        seconds: blocks === null ? null : Math.ceil(blocks / blocksASecond),
        input: { volume: disk.volume, device: disk.device },
      });
    });
  },

  async open(aws, step, at, signal) {
    const { volume } = diskInput(step);
    const made = await snapshotOf(aws, volume, at, signal);
    if ("kind" in made) return made;
    const opened = await openImage(aws, { scope: "source", region: null }, aws.account, made.snapshot, signal);
    if (opened.kind !== "none" || opened.outcome !== "denied") return opened;
    return (await openCopied(aws, volume, at, signal)) ?? opened;
  },
};

/** Only where the source may not be read: the original is the better evidence. */
async function openCopied(aws: Aws, volume: string, at: StepContext, signal: AbortSignal): Promise<Opened | null> {
  const { copy } = copyMemory(at.earlier(`disk-copy:${volume}`));
  if (copy === null) return null;
  const place = await evidenceOf(aws, signal);
  if ("kind" in place) return null;
  const opened = await openImage(aws, { scope: "evidence", region: place.region }, place.account, copy, signal);
  return opened.kind === "none" ? null : opened;
}

async function openImage(aws: Aws, where: Where, account: string, id: string, signal: AbortSignal): Promise<Opened> {
  const looked = await lookAtSnapshot(aws, where, id, signal);
  if (looked.kind === "refused") return refusedNone(`snapshot ${id} may not be looked at`, looked);
  const [snapshot] = looked.snapshots;
  if (snapshot?.VolumeSize === undefined || snapshot.StartTime === undefined)
    return { kind: "none", outcome: "unavailable", detail: `snapshot ${id} is not shown by EC2: it is gone or belongs to another account` };
  const facts = { id, state: snapshot.State ?? "without a state", volumeGiB: snapshot.VolumeSize, startTime: snapshot.StartTime };
  const blocks = linkBlocks(aws.link, where.scope, where.region, id);
  return openSnapshotImage(facts, blocks, aws.ebs(account, where.region ?? aws.link.region), signal);
}
