import type { ActDraft, ActReceipt } from "../../core/act.ts";

/** One append() that waits for its commit. */
export type Call = {
  readonly drafts: readonly ActDraft[];
  readonly resolve: (receipts: readonly ActReceipt[]) => void;
  readonly reject: (error: unknown) => void;
};

export type GroupQueue = {
  add(call: Call): void;
  /** Resolves when everything that was added has been answered. */
  drained(): Promise<void>;
};

const MAX_GROUP_ACTS = 2_048;

/**
 * Group commit: calls that arrive while a commit is under way share the next one. `commit` answers its calls itself; if it
 * throws, all of its group are rejected, and after an error that `isFatal` every later call is rejected with it.
 */
export function groupQueue(commit: (group: readonly Call[]) => Promise<void>, isFatal: (error: unknown) => boolean): GroupQueue {
  const queue: Call[] = [];
  let running: Promise<void> | null = null;
  let broken: { readonly error: unknown } | null = null;

  const run = async (): Promise<void> => {
    await null; // calls made in the same turn join the first group
    while (queue.length > 0) {
      const group = takeGroup(queue);
      try {
        if (broken !== null) throw broken.error;
        await commit(group);
      } catch (error) {
        if (isFatal(error)) broken ??= { error };
        for (const call of group) call.reject(error);
      }
    }
    running = null;
  };

  return {
    add(call) {
      queue.push(call);
      running ??= run();
    },
    async drained() {
      await running;
    },
  };
}

function takeGroup(queue: Call[]): readonly Call[] {
  let acts = 0;
  let calls = 0;
  for (const call of queue) {
    if (calls > 0 && acts + call.drafts.length > MAX_GROUP_ACTS) break;
    acts += call.drafts.length;
    calls += 1;
  }
  return queue.splice(0, calls);
}
