import { getCompileCacheDir } from "node:module";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import type { AuditHands } from "./audit-hands.ts";
import type { SoundPage } from "./page-check.ts";

export type ThreadData = { readonly file: string; readonly origin: string };
export type ThreadOrder = { readonly kind: "integrity" } | { readonly kind: "page"; readonly from: number; readonly to: number };
/** One to each order, in their order. */
export type ThreadAnswer =
  | { readonly kind: "integrity"; readonly complaints: readonly string[] | null }
  | { readonly kind: "page"; readonly page: SoundPage | null };

type Thread = { readonly worker: Worker; readonly waiting: Waiting[]; load: number };
type Waiting = { readonly load: number; take(answer: ThreadAnswer): void; reject(reason: unknown): void };

const MAX_THREADS = 4;
/** One page at work and one to go on with. */
const PAGES_EACH = 2;
/** Longer than any pages: whoever looks through the trees is given nothing else meanwhile. */
const INTEGRITY_LOAD = 1_000;
/** Only what is being read is held; heaps of default size take what they can get. */
const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 };

/**
 * Threads that read the ledger by themselves. Each sees it as it stood when it began to read, which may be later than what the
 * caller sees: entries are only added, so a writer changes nothing below the size that the caller read before, and a row that
 * somebody changes there meanwhile is judged as it stood at one of these moments. A thread that ends of itself leaves nothing
 * unsaid: whatever was asked, and is from then on, rejects.
 */
export function auditThreads(data: ThreadData, signal: AbortSignal): AuditHands {
  let over: { readonly reason: unknown } | null = null;
  const end = (reason: unknown): void => {
    over ??= { reason };
    for (const { waiting } of threads) for (const { reject } of waiting.splice(0)) reject(over.reason);
  };
  const threads = Array.from({ length: Math.min(availableParallelism(), MAX_THREADS) }, () => startThread(data, end));
  const stop = (): void => end(signal.reason);
  signal.addEventListener("abort", stop);

  const ask = <T>(order: ThreadOrder, load: number, read: (answer: ThreadAnswer) => T): Promise<T> => {
    const answer = new Promise<T>((resolve, reject) => {
      if (over !== null) return reject(over.reason);
      const thread = threads.reduce((freest, other) => (other.load < freest.load ? other : freest));
      thread.waiting.push({ load, take: (found) => resolve(read(found)), reject });
      thread.load += load;
      thread.worker.postMessage(order);
    });
    answer.catch(() => {}); // what is asked ahead may never be waited for
    return answer;
  };
  return {
    depth: threads.length * PAGES_EACH,
    integrity: () => ask({ kind: "integrity" }, INTEGRITY_LOAD, (answer) => (answer.kind === "integrity" ? answer.complaints : null)),
    page: (from, to) => ask({ kind: "page", from, to }, 1, (answer) => (answer.kind === "page" ? answer.page : null)),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", stop);
      end(new Error("the audit is over"));
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

function startThread(workerData: ThreadData, end: (reason: unknown) => void): Thread {
  // The ending is this file's own: .ts in a clone, .js in the published package. Of the environment a thread needs the code cache alone.
  const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const cache = getCompileCacheDir();
  const env = cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) };
  const worker = new Worker(new URL(`./audit-worker${ending}`, import.meta.url), { workerData, resourceLimits, execArgv: [], env });
  const thread: Thread = { worker, waiting: [], load: 0 };
  const died = (cause: unknown): void => end(new Error("a thread of the audit broke down, so nothing is said about the ledger", { cause }));
  worker.on("message", (answer: ThreadAnswer) => {
    const first = thread.waiting.shift();
    thread.load -= first?.load ?? 0;
    first?.take(answer);
  });
  worker.on("messageerror", died);
  worker.on("error", died);
  worker.on("exit", (code) => died(new Error(`exit code ${code}`)));
  return thread;
}
