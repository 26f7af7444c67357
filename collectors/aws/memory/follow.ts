import { HoldfastError } from "../../../src/core/error.ts";
import type { Landing } from "../../../src/core/landing.ts";
import type { Aws } from "../aws.ts";
import { type DumpEnd, dumpEnd } from "./claims.ts";
import type { CommandEnd } from "./command-end.ts";
import { cancelOrder, lookAtOrder, neverSeen, unbornMs } from "./commands.ts";
import { agentOf } from "./look.ts";
import { needsLinks } from "./links.ts";
import { changed, type MemoryRun, onceOf } from "./run.ts";
import { bringLinks } from "./send.ts";
import { wordsOf } from "../client/refused.ts";

const quietMs = 60_000;
const unheardMs = 15 * 60_000;
/** Longer than one part's tries on the host take, at its slowest. */
const stalledMs = 30 * 60_000;

/** Follows a dump to its end, however it ends, and keeps it supplied with links. */
export async function followDump(run: MemoryRun, landing: Landing, signal: AbortSignal): Promise<DumpEnd> {
  const { aws, progress } = run;
  const { command } = progress.get();
  if (command === null) throw new HoldfastError("unexpected", "memory: no command to follow; report this");
  const since = aws.clock().getTime();
  let moved = { parts: -1, at: since };
  let looked = since;
  let heard = since;
  let failed = 0;
  for (let pause = 1000; ; pause = Math.min(10_000, pause * 1.3)) {
    const seen = await patiently(aws, () => lookAtOrder(aws, command, signal), heard);
    if (seen === null) {
      await aws.sleep(10_000, signal);
      continue;
    }
    heard = aws.clock().getTime();
    if (seen.kind === "ended") return dumpEnd(seen.end, aws.clock().toISOString());
    if (seen.kind === "refused") return broken(run, command, "unseen", `how the dump stands may not be seen (${wordsOf(seen)})`, signal);
    const arrived = (await landing.arrived(signal)).at(-1)?.number ?? 0;
    const now = aws.clock();
    if (seen.kind === "unborn" && now.getTime() - since > unbornMs) return dumpEnd(neverSeen(command), now.toISOString());
    if (arrived !== moved.parts) {
      moved = { parts: arrived, at: now.getTime() };
      looked = moved.at;
      pause = 1000;
    } else if (now.getTime() - looked >= quietMs) {
      looked = now.getTime();
      const why = await whyQuiet(aws, looked - moved.at, signal);
      if (why !== null) return broken(run, command, "stopped", why, signal);
    }
    const { issued, lapse } = progress.get();
    if (seen.kind === "open" && seen.running && needsLinks({ arrived, issued, lapse }, run.links, now)) {
      failed = (await bringLinks(run, landing, arrived, signal)) ? 0 : failed + 1;
      // The dump may have ended meanwhile; if not, it waits for links longer than these tries take.
      if (failed > 0) await aws.sleep(Math.min(30_000, 1000 * 2 ** failed), signal);
    }
    await aws.sleep(pause, signal);
  }
}

/** The host goes on without us for a while: a service that does not answer is asked again before the dump is given up. */
async function patiently<T>(aws: Aws, look: () => Promise<T>, heard: number): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "unreachable" || aws.clock().getTime() - heard > unheardMs) throw error;
    return null;
  }
}

/** Why no part comes any more; null: go on waiting. SSM shows what ran on a stopped instance as running until its time is up. */
async function whyQuiet(aws: Aws, quiet: number, signal: AbortSignal): Promise<string | null> {
  const answer = await aws.link.ask("source", null, "ec2:DescribeInstances", { InstanceIds: [aws.instance.instance] }, signal);
  const instance = answer.kind === "answer" ? answer.value.Reservations?.flatMap((one) => one.Instances ?? [])[0] : undefined;
  const state = instance?.State?.Name ?? null;
  const minutes = Math.round(quiet / 60_000);
  if (answer.kind === "refused" && answer.trouble === "missing") return `the instance is gone (${wordsOf(answer)})`;
  if (state !== null && state !== "running" && state !== "pending") return `the instance was ${state} while its memory was taken`;
  const agent = await agentOf(aws, signal);
  if (agent.kind === "agent" && agent.ping !== "Online" && quiet >= 5 * 60_000)
    return `its SSM agent is not heard any more (${agent.ping}) and no part came for ${minutes} min`;
  return quiet >= stalledMs ? `no part came for ${minutes} min` : null;
}

/** Its script must not go on unwatched. */
async function broken(
  run: MemoryRun,
  command: string,
  how: Extract<CommandEnd, { readonly kind: "broken" }>["how"],
  text: string,
  signal: AbortSignal,
): Promise<DumpEnd> {
  await stopDump(run, command, signal);
  return dumpEnd({ kind: "broken", how, text, stdout: "" }, run.aws.clock().toISOString());
}

export async function stopDump(run: MemoryRun, command: string, signal: AbortSignal): Promise<void> {
  const { requestId, refused } = await cancelOrder(run.aws, command, signal);
  const done = changed(`SSM command ${command} cancelled`, { command }, [requestId]);
  await run.at.record(
    onceOf(run, "cancel"),
    refused === null ? done : { ...done, kind: "failed", detail: `SSM command ${command} could not be cancelled (${wordsOf(refused)})` },
  );
}
