import { type ErrorCode, HoldfastError } from "../core/error.ts";

/** contract.md, exit codes (frozen). */
export const exitOf: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  config: 3,
  refused: 6,
  unreachable: 7,
  vault: 8,
  ledger: 8,
  rollback: 5,
  fork: 5,
  altered: 5,
  unverifiable: 9,
  paused: 130,
  "source-changed": 4,
  "object-exists": 8,
  unexpected: 1,
};

export function exitCodeOf(error: unknown): number {
  return error instanceof HoldfastError ? exitOf[error.code] : 1;
}

/**
 * What a wait throws when its signal is aborted is the interruption itself: 130 and resumable, never an unexpected error. Any other
 * error stays what it is, also after Ctrl-C.
 */
export function pausedIfAborted(error: unknown, signal: AbortSignal): unknown {
  const stopped = signal.aborted && error instanceof Error && (error.name === "AbortError" || error === signal.reason);
  return stopped ? new HoldfastError("paused", "interrupted") : error;
}

/** Several targets: the worst of 1, 3, 4, 6, 8; 7 only if none could be reached; interruption says so before all. */
export function worstExit(codes: readonly number[]): number {
  if (codes.includes(130)) return 130;
  if (codes.length > 0 && codes.every((code) => code === 7)) return 7;
  const bad = codes.map((code) => (code === 7 ? 4 : code)).filter((code) => code !== 0);
  for (const code of [1, 5, 8, 3, 6, 4]) if (bad.includes(code)) return code;
  return bad[0] ?? 0;
}
