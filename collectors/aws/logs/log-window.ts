import { HoldfastError } from "../../../src/core/error.ts";
import type { Step } from "../../../src/core/plan.ts";
import type { Window } from "../../../src/core/window.ts";
import type { Aws } from "../aws.ts";

/** How late records come: VPC User Guide, "Flow log limitations" (10 minutes with the aggregation), and CloudTrail's average of 5 with its stated 15. */
export const latenessMs: { readonly flow: number; readonly trail: number } = { flow: 10 * 60_000, trail: 15 * 60_000 };

/** The window that a step was planned for. */
export function windowOf({ id, input }: Step): Window {
  const window = input["window"];
  if (typeof window === "object" && window !== null && "since" in window && "until" in window) {
    const { since, until } = window;
    if (typeof since === "string" && typeof until === "string" && Date.parse(since) < Date.parse(until)) return { since, until };
  }
  throw new HoldfastError("unexpected", `step ${id}: input.window is not a window; it is not a step that this collector planned`);
}

/** The part of the window whose records have all arrived by then; null where none has. */
export function arrivedBy(window: Window, now: Date, lateMs: number): Window | null {
  const untilMs = Math.min(Date.parse(window.until), now.getTime() - lateMs);
  return untilMs > Date.parse(window.since) ? { since: window.since, until: new Date(untilMs).toISOString() } : null;
}

/** Whether a second pass is needed for what comes late. */
export function endsTooSoon(window: Window, now: Date, lateMs: number): boolean {
  return Date.parse(window.until) + lateMs > now.getTime();
}

/** Waits until everything of the window should have arrived. In slices: a machine that slept meanwhile must not wait all over again. */
export async function untilArrived(aws: Aws, window: Window, lateMs: number, signal: AbortSignal): Promise<void> {
  const dueMs = Date.parse(window.until) + lateMs;
  for (let left = dueMs - aws.slowClock().getTime(); left > 0; left = dueMs - aws.slowClock().getTime()) await aws.sleep(Math.min(left, 60_000), signal);
}

/** The days, UTC, that a span touches, as `yyyy`, `mm`, `dd`. */
export function* daysOf(fromMs: number, untilMs: number): Generator<readonly [year: string, month: string, day: string]> {
  const day = 86_400_000;
  for (let at = Math.floor(fromMs / day) * day; at <= untilMs; at += day) {
    const [year = "", month = "", date = ""] = new Date(at).toISOString().slice(0, 10).split("-");
    yield [year, month, date];
  }
}
