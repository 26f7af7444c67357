import type { Aws } from "./aws.ts";

/** LookupEvents: two a second for the account in a Region, whoever asks (API reference). */
const apartMs = 500;

const paces = new WeakMap<Aws["link"], Map<string, number>>();

/** Waits until the next request may go. All rooms of a collection share one pace; who else asks is met by the link's retries. */
export async function lookupTurn({ link, clock, sleep }: Aws, region: string, signal: AbortSignal): Promise<void> {
  const turns = paces.get(link) ?? new Map<string, number>();
  paces.set(link, turns);
  const now = clock().getTime();
  const turn = Math.min(Math.max(now, turns.get(region) ?? 0), now + 60_000); // a clock that was set back must not stop it
  turns.set(region, turn + apartMs);
  if (turn > now) await sleep(turn - now, signal);
}
