import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import { HoldfastError } from "../core/error.ts";

export type StreamWorker<In> = {
  post(message: In): void;
  close(): Promise<void>;
};

/** Small heaps: the bytes lie in shared buffers, and three V8 heaps of default size would break the promise of flat memory. */
const resourceLimits = { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 2 };

/**
 * Starts one of the worker files beside this one. They are .ts in a clone and .js in the published package, and tsc does not
 * rewrite URLs: the ending is this file's own. A worker that fails or ends by itself reports to `failed`, once.
 */
export function startWorker<In, Out>(
  name: "hash-worker" | "image-worker",
  workerData: unknown,
  received: (message: Out) => void,
  failed: (error: HoldfastError) => void,
): StreamWorker<In> {
  const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const worker = new Worker(new URL(`./${name}${ending}`, import.meta.url), {
    workerData,
    resourceLimits,
    execArgv: [],
    env: compileCache(),
  });
  let open = true;
  const fail = (cause: unknown): void => {
    if (!open) return;
    open = false;
    const error = new HoldfastError("unexpected", `the ${name} thread failed, so the stream has no digest`, cause);
    failed(cause instanceof HoldfastError ? cause : error);
    void worker.terminate();
  };
  worker.on("message", (message: WorkerMessage<Out>) => {
    if (!open) return;
    if (message.kind === "failed") fail(new HoldfastError(message.code, message.message));
    else received(message.body);
  });
  worker.on("messageerror", fail);
  worker.on("error", fail);
  worker.on("exit", (code) => fail(new Error(`exit code ${code}`)));
  return {
    post: (message) => {
      if (open) worker.postMessage(message);
    },
    close: async () => {
      open = false;
      await worker.terminate();
    },
  };
}

/** Workers get no environment but the code cache of this process: without it each of them loads the type stripper, 20 MiB. */
function compileCache(): Record<string, string> {
  const directory = getCompileCacheDir();
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) };
}

/** What a worker sends: errors lose their class on the way, so that code and sentence go as data. */
export type WorkerMessage<Out> =
  | { readonly kind: "body"; readonly body: Out }
  | { readonly kind: "failed"; readonly code: HoldfastError["code"]; readonly message: string };

/** Runs `work` and sends what it throws. */
export async function reporting(send: (message: WorkerMessage<never>) => void, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof HoldfastError) send({ kind: "failed", code: error.code, message: error.message });
    else throw error;
  }
}
