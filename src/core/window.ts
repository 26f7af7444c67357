import { HoldfastError } from "./error.ts";

/** A span of time, both ends RFC 3339 UTC with milliseconds. */
export type Window = { readonly since: string; readonly until: string };

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 365 * 86_400_000,
};

/** Longer than anything is kept, and short enough that every time made of it can be written. */
const longestMs = 1000 * 365 * 86_400_000;

/** A duration such as `90s`, `36h`, `7d`, `7y` (a year is 365 days; at most a thousand of them) in milliseconds. */
export function parseDuration(text: string, field: string): number {
  const match = /^(\d{1,15})(s|m|h|d|w|y)$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : unitMs[match[2]];
  if (match?.[1] === undefined || unit === undefined)
    throw new HoldfastError("usage", `${field}: ${JSON.stringify(text)} is not a duration; write for example 36h, 7d or 7y`);
  const ms = Number(match[1]) * unit;
  if (ms > longestMs) throw new HoldfastError("usage", `${field}: ${JSON.stringify(text)} is longer than a thousand years (1000y)`);
  return ms;
}

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** An RFC 3339 time, or a duration back from now. */
export function parseTime(text: string, now: Date, field: string): Date {
  const time = /^\d+[a-z]$/.test(text) ? new Date(now.getTime() - parseDuration(text, field)) : parseRfc3339(text);
  if (time !== null && yearIsWritable(time)) return time;
  throw new HoldfastError(
    "usage",
    `${field}: ${JSON.stringify(text)} is not a time; write RFC 3339 (2026-01-31T22:00:00Z) or a duration back from now (36h, 7d)`,
  );
}

/** Whether RFC 3339 can write the time at all: a valid one, in the years 0000 to 9999. */
export function yearIsWritable(time: Date): boolean {
  return time.getUTCFullYear() >= 0 && time.getUTCFullYear() <= 9999; // false for an invalid date, whose year is NaN
}

function parseRfc3339(text: string): Date | null {
  const [, date, clock, fraction, sign, hours, minutes] = rfc3339.exec(text) ?? [];
  if (date === undefined || clock === undefined) return null;
  const local = new Date(`${date}T${clock}${(fraction ?? ".").padEnd(4, "0").slice(0, 4)}Z`);
  // Date turns February 31 into March 3: a window nobody asked for. What comes out has to be what was written.
  if (Number.isNaN(local.getTime()) || local.toISOString().slice(0, 19) !== `${date}T${clock}`) return null;
  const offsetMs = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return new Date(local.getTime() - (sign === "-" ? -offsetMs : offsetMs));
}

export function windowOf(since: Date, until: Date): Window {
  if (since.getTime() >= until.getTime()) throw new HoldfastError("usage", `--since ${since.toISOString()} is not before --until ${until.toISOString()}`);
  return { since: since.toISOString(), until: until.toISOString() };
}
