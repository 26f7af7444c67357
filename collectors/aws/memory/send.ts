import { HoldfastError } from "../../../src/core/error.ts";
import type { Landing } from "../../../src/core/landing.ts";
import { endOfOrder, findOrder, sendOrder } from "./commands.ts";
import { type Batch, issueBatch } from "./links.ts";
import { changed, commentOf, type MemoryRun, onceOf } from "./run.ts";
import { jsonOf } from "./ready.ts";
import { wordsOf } from "../client/refused.ts";

/** The longest that SSM lets a command run (AWS-RunShellScript, executionTimeout). Seconds. */
const longest = 172_800;
const dropSeconds = 120;

/**
 * Sends the dump's command, once: an attempt that was interrupted looks whether SSM has it. Null: it goes on. A text says why it
 * could not be sent.
 */
export async function startDump(run: MemoryRun, landing: Landing, signal: AbortSignal): Promise<string | null> {
  const { aws, system, tool, progress } = run;
  const { ready, began, token, partSize } = progress.get();
  if (ready === null) throw new HoldfastError("unexpected", "memory: a dump without a preflight; report this");
  const comment = commentOf(run, "dump");
  if (began !== null) {
    const found = await findOrder(aws, comment, 4, signal);
    if (found.kind === "refused") throw new HoldfastError("unreachable", `memory: whether the dump was started may not be looked at (${wordsOf(found)})`);
    if (found.id !== null) return sentAs(run, found.id, found.requestIds);
  }
  const offer = await landing.offer(system.tool, tool.bytes, run.links.seconds, signal);
  const batch = await batchFrom(run, landing, 1, offer.url, signal);
  await recordLinks(run, batch, 0, offer.requestIds);
  progress.set({ began: aws.clock().toISOString(), batch: 0, issued: batch.to, lapse: batch.lapse });
  const script = scriptOf(() => system.dump({ token, ready, tool: { bytes: tool.bytes.length, sha256: tool.sha256 }, partSize, batch: batch.text }));
  if (script === null) return "the host's preflight named a directory or a program that its script could not have named; nothing was started";
  const sent = await sendOrder(aws, { document: system.document, script, comment, seconds: longest }, signal);
  if (sent.kind === "refused") return `the command that dumps memory was not accepted (${wordsOf(sent)})`;
  return sentAs(run, sent.id, sent.requestIds);
}

/** One more batch for a running dump; it is recorded before anybody has it. False where the host did not take it: it may be offered again under the same number. */
export async function bringLinks(run: MemoryRun, landing: Landing, arrived: number, signal: AbortSignal): Promise<boolean> {
  const { aws, system, progress } = run;
  const { ready, token, batch: last } = progress.get();
  if (ready === null) return false;
  const number = last + 1;
  const batch = await batchFrom(run, landing, arrived + 1, null, signal);
  const script = scriptOf(() => system.drop(token, ready, number, batch.text));
  if (script === null) return false;
  await recordLinks(run, batch, number, []);
  const sent = await sendOrder(
    aws,
    { document: system.document, script, comment: commentOf(run, `links ${number} ${batch.from}`), seconds: dropSeconds },
    signal,
  );
  if (sent.kind === "refused") return false;
  const brought = changed(
    `links for parts ${batch.from} to ${batch.to} brought to the instance by SSM command ${sent.id}`,
    { command: sent.id },
    sent.requestIds,
  );
  await run.at.record(onceOf(run, `brought-${number}-${batch.from}-${batch.lapse.until}`), brought);
  const end = await endOfOrder(aws, sent.id, dropSeconds, signal);
  if (jsonOf(end.stdout)?.["ended"] !== "dropped") return false;
  progress.set({ batch: number, issued: Math.max(batch.to, progress.get().issued), lapse: batch.lapse });
  return true;
}

async function sentAs(run: MemoryRun, id: string, requestIds: readonly string[]): Promise<null> {
  run.progress.set({ command: id });
  await run.at.record(onceOf(run, "dump"), changed(`memory dump started on the instance by SSM command ${id}`, { command: id }, requestIds));
  return null;
}

function batchFrom(run: MemoryRun, landing: Landing, from: number, toolLink: string | null, signal: AbortSignal): Promise<Batch> {
  const publicKey = run.progress.get().ready?.publicKey ?? null;
  return issueBatch(landing, { from, measures: run.links, publicKey, toolLink }, { random: run.aws.random, now: run.aws.clock() }, signal);
}

/** That links were issued is an act. The links are secrets, and are in none. */
async function recordLinks(run: MemoryRun, { from, to, lapse, sealed }: Batch, number: number, requestIds: readonly string[]): Promise<void> {
  const how = sealed ? "sealed for the host's one-time key" : "NOT sealed, since the host has no key: until then they can be used by whoever reads the command";
  const detail = `upload links for parts ${from} to ${to} issued until ${lapse.until}, ${how}`;
  await run.at.record(onceOf(run, `links-${number}-${from}-${lapse.until}`), changed(detail, { from, to, until: lapse.until, sealed }, requestIds));
}

function scriptOf(make: () => string): string | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError) return null; // what the host said does not fit
    throw error;
  }
}
