import { printable } from "../../../src/core/printable.ts";
import type { Aws } from "../aws.ts";
import type { Ec2Instance } from "../look.ts";
import type { MemoryKept } from "./kept.ts";
import { allPages } from "../client/pages.ts";
import { type None, outcomeOfRefusal, type Refused, wordsOf } from "../client/refused.ts";

export type Agent = { readonly kind: "agent"; readonly ping: string; readonly platform: string; readonly text: string } | { readonly kind: "none" } | Refused;

/** What Systems Manager knows of the instance's agent. */
export async function agentOf(aws: Aws, signal: AbortSignal): Promise<Agent> {
  const id = aws.instance.instance;
  const call = "ssm:DescribeInstanceInformation";
  const read = await allPages(call, (from) => aws.link.ask("source", null, call, { Filters: [{ Key: "InstanceIds", Values: [id] }], ...from }, signal));
  if (read.kind === "refused") return read;
  const found = read.pages.flatMap(({ InstanceInformationList: list = [] }) => list).find(({ InstanceId }) => InstanceId === id);
  if (found === undefined) return { kind: "none" };
  return {
    kind: "agent",
    ping: found.PingStatus ?? "unknown",
    platform: found.PlatformType ?? "unknown",
    text: printable(`agent ${found.AgentVersion ?? "of unknown version"} on ${found.PlatformName ?? "?"} ${found.PlatformVersion ?? ""}`.trim()),
  };
}

export type MemoryLook = { readonly kind: "ready"; readonly system: MemoryKept["system"]; readonly text: string } | None;

/** Whether an instance's memory can be had, as far as the API knows: said in the plan, before anything is started. */
export async function lookAtMemory(aws: Aws, instance: Pick<Ec2Instance, "State" | "Architecture" | "Platform">, signal: AbortSignal): Promise<MemoryLook> {
  const no = (outcome: None["outcome"], text: string): None => ({ kind: "none", outcome, detail: `memory: ${text}` });
  const state = instance.State?.Name ?? "in an unknown state";
  if (state !== "running") return no("unavailable", `the instance is ${state}, and only a running one has memory`);
  const arch = instance.Architecture ?? "an unknown architecture";
  if (arch !== "x86_64") return no("unavailable", `the memory tools exist for x86_64 only, this is ${arch}`);
  const { memory } = aws.config;
  if (memory === null) return no("unavailable", "no memory tool is configured; name aws.memory.tool and its sha256");
  const agent = await agentOf(aws, signal);
  if (agent.kind === "refused") return no(outcomeOfRefusal(agent.trouble), `whether its SSM agent answers may not be seen (${wordsOf(agent)})`);
  if (agent.kind === "none")
    return no("unavailable", "Systems Manager has no agent for this instance: none is installed, or its role or network does not let it register");
  if (agent.ping !== "Online") return no("unavailable", `its SSM agent is not online (${agent.ping})`);
  if (agent.platform === "Linux") return { kind: "ready", system: "linux", text: agent.text };
  if (agent.platform !== "Windows") return no("unavailable", `there is no memory tool for ${printable(agent.platform)}`);
  if (memory.windows === null) return no("unavailable", "no memory tool for Windows is configured; name aws.memory.windows.tool and its sha256");
  return { kind: "ready", system: "windows", text: agent.text };
}
