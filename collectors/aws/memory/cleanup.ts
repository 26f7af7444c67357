import type { StepContext } from "../../../src/core/collector.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Step } from "../../../src/core/plan.ts";
import type { Aws } from "../aws.ts";
import { cancelOrder, endOfOrder, findOrder, lookAtOrder, sendOrder } from "./commands.ts";
import type { MemoryKept } from "./kept.ts";
import { agentOf } from "./look.ts";
import { parseKept } from "./parse-kept.ts";
import { jsonOf } from "./ready.ts";
import { changed } from "./run.ts";
import { memorySystems } from "./system.ts";
import { wordsOf } from "../client/refused.ts";

const seconds = 120;

/** Clears up while the step goes on: what was removed is an act of it. A way to the host that broke leaves it to `holdfast cleanup`. */
export async function clearLeft(aws: Aws, at: StepContext, signal: AbortSignal): Promise<void> {
  const kept = parseKept(at.remembered());
  if (kept === null) return;
  const lines = await clear(aws, at, kept, signal);
  if (lines.length > 0) await at.record(`${kept.token}/cleared`, changed(lines.join("; "), null, []));
}

/** Ends a dump that still runs, and has the host remove the directory that an attempt may have left. */
export async function clearMemory(aws: Aws, _step: Step, at: StepContext, signal: AbortSignal): Promise<readonly string[]> {
  const kept = parseKept(at.remembered());
  return kept === null ? [] : clear(aws, at, kept, signal);
}

async function clear(aws: Aws, at: StepContext, kept: MemoryKept, signal: AbortSignal): Promise<readonly string[]> {
  if (kept.asked === null || kept.end?.claims?.left === false) return [];
  const lines: string[] = [];
  const comment = (what: string): string => `holdfast ${at.collection} memory ${kept.token} ${what}`.slice(0, 100);
  const found = kept.command === null && kept.began !== null ? await findOrder(aws, comment("dump"), 1, signal) : null;
  const command = kept.command ?? (found?.kind === "found" ? found.id : null);
  if (command !== null) {
    const seen = await lookAtOrder(aws, command, signal);
    if (seen.kind === "open" || seen.kind === "unborn") {
      const { refused } = await cancelOrder(aws, command, signal);
      lines.push(
        refused === null ? `cancelled SSM command ${command}, which dumped memory` : `SSM command ${command} could not be cancelled (${wordsOf(refused)})`,
      );
    }
  }
  const agent = await agentOf(aws, signal);
  if (agent.kind !== "agent" || agent.ping !== "Online") return lines; // what was in tmpfs goes with the instance
  const system = memorySystems[kept.system];
  const sent = await sendOrder(aws, { document: system.document, script: system.cleanup(kept.token), comment: comment("cleanup"), seconds }, signal);
  if (sent.kind === "refused") return [...lines, `what memory step ${kept.token} left on the instance could not be removed (${wordsOf(sent)})`];
  const end = await endOfOrder(aws, sent.id, seconds, signal);
  const removed: unknown = jsonOf(end.stdout)?.["removed"];
  if (!Array.isArray(removed))
    return [...lines, `SSM command ${sent.id}, which removes what the memory step left, did not end well: ${end.kind === "broken" ? end.text : end.code}`];
  at.remember({ ...kept, asked: null });
  return [...lines, ...removed.map((one: unknown) => `removed ${printable(String(one))} on the instance`)];
}
