import type { ActDraft } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import type { Recorder } from "../core/recorder.ts";

/** When a flush is asked for, and how many milliseconds later it runs: not more often than that while acts keep coming. */
export type Pace = { readonly ms: number; readonly asks: (draft: ActDraft) => boolean };

export type PacedFlush<T> = {
  flush(signal: AbortSignal): Promise<T | null>;
  watch(recorder: Recorder): Recorder;
  settle(signal: AbortSignal): Promise<T | null>;
};

/**
 * Lets one flush run at a time, some time after the act that asks for it. A flush that throws has found another history of the
 * ledger: from then on every append is refused with what it threw.
 */
export function pacedFlush<T>(flush: (signal: AbortSignal) => Promise<T | null>, isDone: (result: T) => boolean, pace: Pace): PacedFlush<T> {
  let running: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let dirty = false;
  let broken: HoldfastError | null = null;

  const run = (signal: AbortSignal): Promise<T | null> => {
    const turn = running.then(async () => {
      dirty = false;
      try {
        const result = await flush(signal);
        if (result !== null && !isDone(result)) dirty = true;
        return result;
      } catch (error) {
        if (error instanceof HoldfastError) broken = error;
        throw error;
      }
    });
    running = turn.catch(() => undefined);
    return turn;
  };
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = null;
      run(new AbortController().signal).catch(() => undefined); // it is kept in `broken`, and said by the next append or settle
    }, pace.ms).unref(); // settle does what it would have done; a command that is over does not wait for it
  };
  return {
    flush: run,
    watch: (recorder) => ({
      async append(drafts) {
        if (broken !== null) throw broken;
        const receipts = await recorder.append(drafts);
        dirty = true;
        if (drafts.some(pace.asks)) later();
        return receipts;
      },
      close: () => recorder.close(),
    }),
    async settle(signal) {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await running;
      if (broken !== null) throw broken;
      return dirty ? run(signal) : null;
    },
  };
}
