import type { Random } from "../../../src/core/ports.ts";

/** How many calls a second AWS lets us make: nobody knows, least of all beside other clients of the account. It is found by trying. */
export type Budget = {
  /** Resolves when the next call may be made; in the order of asking. */
  take(signal: AbortSignal): Promise<void>;
  succeeded(): void;
  throttled(): void;
  /** Calls a second at present. */
  rate(): number;
};

/** `most` is Infinity where the quota is not known. */
export type BudgetLimits = { readonly start: number; readonly least: number; readonly most: number };

export type BudgetPorts = {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Must end early, by rejecting, when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: Random;
};

/** What was not used while nobody asked may be made up for, so that a timer that fires late costs no call. Milliseconds. */
const slack = 50;
/** A call may come so much too early: one timer then serves several calls. Milliseconds. */
const early = 5;
/** Growth a second, as a share of the rate: up to where it was last throttled, and beyond, where it doubles and redoubles as the calm goes on. */
const growth = { known: 0.3, unknown: 0.02 };
/** Calls under way when the rate falls are throttled too, and say nothing new. Milliseconds. */
const round = 250;

/**
 * Additive increase, multiplicative decrease, with jitter in both, so that several machines that work on one account part from
 * each other. It grows only while it is what callers wait for. Never gives up: however long the storm, `least` calls a second go on.
 */
export function openBudget(limits: BudgetLimits, { now, sleep, random }: BudgetPorts): Budget {
  let rate = limits.start;
  /** Where it was last throttled. */
  let ceiling = limits.most;
  let next = now();
  let calm = 0;
  let grown = now();
  let waitedAt = Number.NEGATIVE_INFINITY;
  let line: Promise<void> = Promise.resolve();

  async function pace(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const wait = next - now();
    if (wait > 0) waitedAt = now();
    next = Math.max(next, now() - slack) + 1000 / rate;
    if (wait > early) await sleep(wait, signal);
  }

  return {
    take(signal) {
      const turn = line.then(() => pace(signal));
      line = turn.catch(() => {}); // who leaves the line does not hold it up
      return turn;
    },
    succeeded() {
      const since = (now() - grown) / 1000;
      grown = now();
      if (grown < calm || grown - waitedAt > round) return;
      const share = rate < ceiling * 0.97 ? growth.known : growth.unknown * (1 + ((grown - calm) / 1000) ** 2);
      rate = Math.min(limits.most, rate * (1 + Math.min(1, share) * Math.min(1, since)));
    },
    throttled() {
      if (now() < calm) return;
      ceiling = rate;
      rate = Math.max(limits.least, rate * (0.75 + 0.15 * fraction(random)));
      calm = now() + round * (1 + fraction(random));
      grown = calm;
    },
    rate: () => rate,
  };
}

function fraction(random: Random): number {
  return (random(1)[0] ?? 0) / 256;
}
