import { endOfOrder, findOrder, sendOrder } from "./commands.ts";
import { memoryPartSize } from "./part-size.ts";
import { ramOf, type Ready, readyOf } from "./ready.ts";
import { changed, commentOf, type MemoryRun, onceOf } from "./run.ts";
import type { None } from "../client/refused.ts";
import { refusedNone } from "../client/refused.ts";

const mebibyte = 2 ** 20;
const seconds = 120;
/** Links, the tool's messages, sums. */
const besides = 4 * mebibyte;

/**
 * Asks the host whether its memory can be had, and leaves in it the directory and the one-time key for the dump. A host with so much
 * memory that its parts need more room than was looked for is asked again.
 */
export async function prepareMemory(run: MemoryRun, partSize: number | null, signal: AbortSignal): Promise<None | null> {
  const need = (part: number): number => run.tool.bytes.length + part + besides;
  const least = partSize ?? memoryPartSize(null);
  const first = await preflight(run, "preflight", need(least), signal);
  if ("kind" in first) return first;
  const wanted = partSize ?? memoryPartSize(memoryOf(first));
  const enough = wanted === least || (!first.mounted && first.free >= need(wanted));
  const ready = enough ? first : await again(run, need(wanted), signal);
  if ("kind" in ready) return ready;
  run.progress.set({ ready, partSize: wanted });
  return null;
}

async function again(run: MemoryRun, need: number, signal: AbortSignal): Promise<Ready | None> {
  const gone = await sendOrder(
    run.aws,
    { document: run.system.document, script: run.system.cleanup(run.progress.get().token), comment: commentOf(run, "clear"), seconds },
    signal,
  );
  if (gone.kind === "refused") return refusedNone("memory: the command was not accepted", gone);
  await endOfOrder(run.aws, gone.id, seconds, signal);
  return preflight(run, "preflight-more", need, signal);
}

async function preflight(run: MemoryRun, what: string, need: number, signal: AbortSignal): Promise<Ready | None> {
  const { aws, at, system, progress } = run;
  const comment = commentOf(run, what);
  const earlier = progress.get().asked === what ? await findOrder(aws, comment, 2, signal) : null;
  progress.set({ asked: what });
  const order = { document: system.document, script: system.preflight(progress.get().token, need), comment, seconds };
  const found = earlier?.kind === "found" && earlier.id !== null ? { kind: "sent" as const, id: earlier.id, requestIds: earlier.requestIds } : null;
  const sent = found ?? (await sendOrder(aws, order, signal));
  if (sent.kind === "refused") return refusedNone("memory: the command was not accepted", sent);
  const detail = `looked by SSM command ${sent.id} whether memory can be had; the host keeps a directory of its own for the dump`;
  await at.record(onceOf(run, what), changed(detail, { command: sent.id }, sent.requestIds));
  const end = await endOfOrder(aws, sent.id, seconds, signal);
  const ready = readyOf(end);
  if ("kind" in ready && end.kind === "exited") progress.set({ asked: null }); // it said no, and left nothing
  return ready;
}

/** By the kernel's map, which has what the count leaves out; a tenth more where there is none. */
function memoryOf(ready: Ready): number | null {
  const ram = ramOf(ready);
  if (ram !== null) return Number(ram.reduce((sum, range) => sum + range.end - range.start + 1n, 0n));
  return ready.memory === null ? null : Math.ceil(ready.memory * 1.1);
}
