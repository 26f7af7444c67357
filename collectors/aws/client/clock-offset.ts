import type { Observed } from "./link.ts";

/** How far AWS's clock is ahead of ours, and how little of that is certain; both in milliseconds. */
export type ClockOffset = { readonly offsetMs: number; readonly uncertainMs: number };

/** The service's Date (whole seconds) against the middle between asking and answer. Null where it says none. */
export function clockOffset({ date, sent, received }: Observed): ClockOffset | null {
  const at = date === null ? Number.NaN : Date.parse(date);
  const trip = received.getTime() - sent.getTime();
  return Number.isNaN(at) ? null : { offsetMs: at + 500 - (sent.getTime() + trip / 2), uncertainMs: 500 + trip / 2 };
}
