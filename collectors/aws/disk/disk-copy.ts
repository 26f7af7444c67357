import type { Opened, StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { HeldExhibit } from "../../../src/core/held.ts";
import type { Step } from "../../../src/core/plan.ts";
import type { Aws } from "../aws.ts";
import { copyDoctor } from "./copy-doctor.ts";
import { copyMemory } from "./copy-memory.ts";
import { copyOut } from "./copy-out.ts";
import { evidenceOf } from "./copy-place.ts";
import { shareable } from "./copy-source.ts";
import { diskInput } from "./disk.ts";
import { diskText, disksOf, wantsSnapshots } from "./disks.ts";
import { rank, type Room, stepOf } from "../room.ts";
import { snapshotOf } from "./snapshot-set.ts";
import { withdrawShare } from "./snapshot-share.ts";

/**
 * A copy of each locked snapshot in the evidence account, under a key that nobody in the target's account can delete. What is
 * shared to make it is shared with that account only, and withdrawn in every path.
 */
export const diskCopyRoom: Room = {
  async plan(aws, look, wish) {
    const account = aws.config.evidenceAccount;
    if (account === null || !wantsSnapshots(wish)) return [];
    return disksOf(look).map((disk) =>
      stepOf({
        id: `disk-copy:${disk.volume}`,
        does: "exhibit",
        kind: "disk",
        lane: `disk:${disk.volume}`,
        rank: rank.disk,
        room: "disk-copy",
        title: `copy of the snapshot of ${diskText(disk)} in the evidence account, locked there`,
        calls: [
          "kms:DescribeKey",
          "ec2:CopySnapshot",
          "ec2:ModifySnapshotAttribute",
          "ec2:DescribeSnapshotAttribute",
          "ec2:LockSnapshot",
          "ec2:DescribeSnapshots",
          "ec2:DescribeLockedSnapshots",
        ],
        after: [`disk:${disk.volume}`],
        bytes: 0, // what it holds stays with AWS
        input: { volume: disk.volume, device: disk.device },
      }),
    );
  },

  async open(aws, step, at, signal) {
    const memory = copyMemory(at.remembered());
    let opened: Opened | null = null;
    let stays: string | null = null;
    try {
      opened = await openCopy(aws, step, at, memory, signal);
    } finally {
      // Also when the person stopped it: whoever resumes shares again.
      stays = await withdrawShare(aws, memory, at, AbortSignal.timeout(withdrawMs));
    }
    return stays === null ? opened : withStay(opened, stays);
  },

  async cleanup(aws, _step, at, signal) {
    const memory = copyMemory(at.remembered());
    if (memory.sharing === null) return [];
    const { snapshot, account } = memory.sharing;
    const stays = await withdrawShare(aws, memory, at, signal);
    if (stays !== null) throw new HoldfastError("unreachable", stays);
    return [`withdrew the share of ${snapshot} with account ${account}`];
  },

  doctor: copyDoctor,
};

/** By the real clock: however the waits in between are counted, nobody waits for ever. */
const withdrawMs = 10 * 60_000;

async function openCopy(aws: Aws, step: Step, at: StepContext, memory: ReturnType<typeof copyMemory>, signal: AbortSignal): Promise<Opened> {
  const { volume, device } = diskInput(step);
  if (memory.sharing?.ending === true) await withdrawShare(aws, memory, at, signal);
  memory.once ??= Buffer.from(aws.random(8)).toString("hex");
  const made = await snapshotOf(aws, volume, at, signal);
  if ("kind" in made) return made;
  const place = await evidenceOf(aws, signal);
  if ("kind" in place) return place;
  const source = await shareable(aws, made, at, memory, signal);
  if ("kind" in source) return source;
  return copyOut(aws, { made, device, place, source }, at, memory, signal);
}

function withStay(opened: Opened, stays: string): Opened {
  switch (opened.kind) {
    case "held": {
      const exhibit: HeldExhibit = {
        ...opened.exhibit,
        outcome: "truncated",
        detail: [opened.exhibit.detail, stays].filter((text) => text !== null).join("; "),
      };
      return { kind: "held", exhibit };
    }
    case "none":
      return { ...opened, detail: `${opened.detail}; ${stays}` };
    case "source":
    case "push":
      return opened;
    default:
      return opened satisfies never;
  }
}
