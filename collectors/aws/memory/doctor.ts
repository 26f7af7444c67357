import type { Wish } from "../../../src/core/plan.ts";
import type { ProbeAnswer } from "../../../src/core/vault.ts";
import type { Aws } from "../aws.ts";
import { wants } from "../disk/disks.ts";
import type { Look } from "../look.ts";
import { lookAtMemory } from "./look.ts";
import { pinnedTool } from "./tool.ts";

/** Whether the agent is reached and the tool is the pinned one. Sends no command: that would be a change. */
export async function memoryDoctor(aws: Aws, look: Look, wish: Wish, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  if (!wants(wish, "memory")) return [];
  const fatal = wish.kinds?.includes("memory") ?? false;
  const found = await lookAtMemory(aws, look.instance, signal);
  if (found.kind === "none") return [{ probe: "memory", ok: false, fatal, text: found.detail }];
  const tool = await pinnedTool(aws, found.system);
  return [
    {
      probe: "memory-agent",
      ok: true,
      fatal,
      text: `memory: ${found.text} is online; what only the host knows (lockdown, room in tmpfs) its preflight will tell`,
    },
    tool.kind === "none"
      ? { probe: "memory-tool", ok: false, fatal, text: tool.detail }
      : { probe: "memory-tool", ok: true, fatal, text: `memory: the tool has the pinned SHA-256 ${tool.sha256}` },
  ];
}
