import type { Random } from "./ports.ts";

/**
 * How long to wait before try `attempt` + 1, in milliseconds; never less than the service asked for, at most a minute. Full jitter:
 * many collectors that were throttled together must not come back together.
 */
export function backoffMs(random: Random, attempt: number, retryAfterMs: number | null): number {
  const [high = 0, low = 0] = random(2);
  const jitter = (high * 256 + low) / 65_536;
  return Math.min(60_000, (retryAfterMs ?? 0) + jitter * Math.min(20_000, 250 * 2 ** attempt));
}

/** A Retry-After header (RFC 9110 §10.2.3: seconds or a date) in milliseconds from now; null for what is neither. */
export function parseRetryAfter(value: string, now: Date): number | null {
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now.getTime());
}
