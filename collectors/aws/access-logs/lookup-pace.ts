import type { Aws } from "../aws.ts";

/** LookupEvents: two a second for the account in a Region, whoever asks (API reference). All rooms of a collection share one pace. */
export type LookupPace = {
  /** Waits until the next request may go. */
  turn(signal: AbortSignal): Promise<void>;
  /** Whether others took all of it the last time: then the next question is not waited for as long. */
  starved: boolean;
};

const apartMs = 500;

const paces = new WeakMap<Aws["link"], Map<string, LookupPace>>();

export function lookupPace(aws: Aws, region: string): LookupPace {
  const known = paces.get(aws.link) ?? new Map<string, LookupPace>();
  paces.set(aws.link, known);
  const pace = known.get(region) ?? newPace(aws);
  known.set(region, pace);
  return pace;
}

function newPace({ clock, sleep }: Aws): LookupPace {
  let next = 0;
  return {
    starved: false,
    async turn(signal) {
      const now = clock().getTime();
      const turn = Math.min(Math.max(now, next), now + 60_000); // a clock that was set back must not stop it
      next = turn + apartMs;
      if (turn > now) await sleep(turn - now, signal);
    },
  };
}
