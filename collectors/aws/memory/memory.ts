import type { Opened, StepContext } from "../../../src/core/collector.ts";
import { describeError, HoldfastError } from "../../../src/core/error.ts";
import type { Call, Step } from "../../../src/core/plan.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Aws } from "../aws.ts";
import { wants } from "../disk/disks.ts";
import { lookAtInstance } from "../look.ts";
import { dumpEnd } from "./claims.ts";
import { clearLeft, clearMemory } from "./cleanup.ts";
import { lookAtOrder } from "./commands.ts";
import { memoryDoctor } from "./doctor.ts";
import { type MemoryKept, newKept, progressOf } from "./kept.ts";
import { type LinkMeasures, linkMeasures } from "./links.ts";
import { lookAtMemory } from "./look.ts";
import { parseKept } from "./parse-kept.ts";
import { prepareMemory } from "./prepare.ts";
import { memorySource } from "./push.ts";
import type { MemoryRun } from "./run.ts";
import { memorySystems } from "./system.ts";
import { pinnedTool } from "./tool.ts";
import type { None } from "../client/refused.ts";
import { rank, type Room, stepOf } from "../room.ts";

/** The whole memory, dumped by a pinned tool in the guest and uploaded by the instance itself, part by part, through links. */
export const memoryRoom: Room = {
  async plan(aws, look, wish, signal) {
    if (!wants(wish, "memory")) return [];
    const found = await lookAtMemory(aws, look.instance, signal);
    const tool = found.kind === "ready" ? (found.system === "linux" ? aws.config.memory : (aws.config.memory?.windows ?? null)) : null;
    const single = wish.pids.length === 0 ? "" : "; single processes (--pid) are not offered for an instance";
    return [
      stepOf({
        id: "memory",
        does: "exhibit",
        kind: "memory",
        lane: "memory",
        rank: rank.memory,
        room: "memory",
        title:
          found.kind === "ready"
            ? `whole memory, by the pinned ${toolName[found.system]} through Systems Manager (${found.text})${single}`
            : `whole memory (will be ${found.outcome}: ${found.detail})${single}`,
        calls: [
          "ssm:DescribeInstanceInformation",
          "ec2:DescribeInstances",
          "ssm:SendCommand",
          "ssm:ListCommands",
          "ssm:GetCommandInvocation",
          "ssm:CancelCommand",
          ...(found.kind === "ready" ? [guestCall[found.system]] : []),
        ],
        tools: tool === null ? [] : [`${printable(tool.tool)} (sha256 ${tool.sha256})`],
        exclusive: true,
        input: { system: found.kind === "ready" ? found.system : null },
      }),
    ];
  },

  async open(aws, step, at, signal) {
    const earlier = await asItStands(aws, parseKept(at.remembered()), signal);
    const links = measuresOf(step.input["links"]);
    const size = step.input["partSize"];
    const partSize = typeof size === "number" ? size : null;
    if (earlier !== null && goesOn(earlier)) return source(aws, at, earlier, links, true);
    const fresh = await anew(aws, step, at, earlier, { links, partSize }, signal);
    if (fresh.kind === "push" || earlier === null || earlier.command === null) return fresh;
    // What the interrupted attempt brought is better than nothing.
    at.remember({ ...earlier });
    return source(aws, at, earlier, links, true);
  },

  cleanup: clearMemory,
  doctor: memoryDoctor,
};

const toolName: Readonly<Record<MemoryKept["system"], string>> = {
  linux: "AVML",
  windows: "WinPmem (this release's script for Windows was never tried on a real host)",
};

/** What happens in the guest, beside the calls. */
const guestCall: Readonly<Record<MemoryKept["system"], Call>> = {
  linux: {
    call: "in the guest: AVML reads /proc/kcore, in a directory in tmpfs that is removed at the end",
    needs: "root, which the SSM agent has",
    changes: true,
  },
  windows: {
    call: "in the guest: WinPmem loads its driver, from a directory in C:\\Windows\\Temp that is removed at the end: it writes to the disk",
    needs: "administrator, which the SSM agent has",
    changes: true,
  },
};

/** A dump may have ended while nobody looked. */
async function asItStands(aws: Aws, kept: MemoryKept | null, signal: AbortSignal): Promise<MemoryKept | null> {
  if (kept === null || kept.command === null || kept.end !== null) return kept;
  const seen = await lookAtOrder(aws, kept.command, signal);
  return seen.kind === "ended" ? { ...kept, end: dumpEnd(seen.end, aws.clock().toISOString()) } : kept;
}

/** A dump that was begun is taken up, unless it is known to have ended for want of us. */
function goesOn(kept: MemoryKept): boolean {
  return kept.began !== null && kept.end?.again !== true;
}

async function source(aws: Aws, at: StepContext, kept: MemoryKept, links: LinkMeasures, continues: boolean): Promise<Opened> {
  const found = await pinnedTool(aws, kept.system);
  // A dump that was started has its tool: what became of the file here since does not matter to it.
  if (found.kind === "none" && kept.command === null) return found;
  const tool = { bytes: found.kind === "none" ? Buffer.alloc(0) : found.bytes, sha256: kept.tool };
  const run: MemoryRun = { aws, at, system: memorySystems[kept.system], tool, links, progress: progressOf(kept, (value) => at.remember(value)) };
  return { kind: "push", source: memorySource(run, continues) };
}

async function anew(
  aws: Aws,
  step: Step,
  at: StepContext,
  earlier: MemoryKept | null,
  wish: { readonly links: LinkMeasures; readonly partSize: number | null },
  signal: AbortSignal,
): Promise<Extract<Opened, { readonly kind: "push" }> | None> {
  // Memory fades: what the plan found is not asked again before the first command.
  const planned = earlier === null ? systemOf(step) : null;
  const look = planned === null ? await lookAtMemory(aws, (await lookAtInstance(aws, signal)).instance, signal) : ({ kind: "ready", system: planned } as const);
  if (look.kind === "none") return look;
  const tool = await pinnedTool(aws, look.system);
  if (tool.kind === "none") return tool;
  if (earlier !== null && earlier.began !== null) await clearLeft(aws, at, signal); // what is kept names one attempt only
  // A preflight that was interrupted is repeated under its name; a dump that was stopped gets another.
  const kept =
    earlier !== null && earlier.began === null && earlier.system === look.system
      ? earlier
      : newKept(Buffer.from(aws.random(12)).toString("hex"), look.system, tool.sha256, earlier !== null);
  at.remember({ ...kept });
  const run: MemoryRun = { aws, at, system: memorySystems[look.system], tool, links: wish.links, progress: progressOf(kept, (value) => at.remember(value)) };
  const none = await prepareMemory(run, wish.partSize, signal);
  return none ?? { kind: "push", source: memorySource(run, !kept.replaces) };
}

/** What the plan found ready; null where it found that memory cannot be had. */
function systemOf(step: Step): MemoryKept["system"] | null {
  const { system } = step.input;
  return system === "linux" || system === "windows" ? system : null;
}

/** Only a plan that a test edits says how many links, and for how long. */
function measuresOf(value: unknown): LinkMeasures {
  if (value === undefined) return linkMeasures;
  if (typeof value !== "object" || value === null || !("count" in value) || !("seconds" in value))
    throw new HoldfastError("unexpected", `memory: the step's links are no measures: ${describeError(value)}`);
  const { count, seconds } = value;
  if (typeof count !== "number" || typeof seconds !== "number") throw new HoldfastError("unexpected", "memory: the step's links are no numbers");
  return { count, seconds };
}
