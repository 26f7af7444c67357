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

/** A duration such as `90s`, `36h`, `7d`, `7y` (a year is 365 days) in milliseconds. */
export function parseDuration(text: string, field: string): number {
  const match = /^(\d{1,9})(s|m|h|d|w|y)$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : unitMs[match[2]];
  if (match?.[1] === undefined || unit === undefined)
    throw new HoldfastError("usage", `${field}: ${JSON.stringify(text)} is not a duration; write for example 36h, 7d or 7y`);
  return Number(match[1]) * unit;
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** An RFC 3339 time, or a duration back from now. */
export function parseTime(text: string, now: Date, field: string): Date {
  if (rfc3339.test(text)) {
    const time = new Date(text);
    if (!Number.isNaN(time.getTime())) return time;
  }
  if (/^\d+[a-z]$/.test(text)) return new Date(now.getTime() - parseDuration(text, field));
  throw new HoldfastError(
    "usage",
    `${field}: ${JSON.stringify(text)} is not a time; write RFC 3339 (2026-01-31T22:00:00Z) or a duration back from now (36h, 7d)`,
  );
}

export function windowOf(since: Date, until: Date): Window {
  if (since.getTime() >= until.getTime()) throw new HoldfastError("usage", `--since ${since.toISOString()} is not before --until ${until.toISOString()}`);
  return { since: since.toISOString(), until: until.toISOString() };
}
