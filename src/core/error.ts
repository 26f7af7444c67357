/**
 * The one error of Holdfast: a breakdown, as opposed to an outcome or a verdict (those are values).
 * The code decides the exit code or the problem type; the message names the subject and says what to do.
 */
export type ErrorCode =
  | "usage" // the request itself is wrong: exit 2
  | "config" // configuration or credentials: exit 3
  | "refused" // policy says no, or a second person is needed: exit 6
  | "unreachable" // the target cannot be reached: exit 7
  | "vault" // the vault cannot be used: exit 8
  | "ledger" // the ledger cannot be used: exit 8
  | "rollback" // the ledger is shorter than a head it once signed: exit 5
  | "fork" // the ledger differs from a head it once signed: exit 5
  | "altered" // stored bytes are not what was written: exit 5
  | "unverifiable" // could not check: exit 9
  | "paused" // stopped on purpose or by lapsed credentials, resumable: exit 130
  | "source-changed" // a stable source differs from what was journaled
  | "object-exists" // another object already has this key
  | "unexpected"; // a bug or an unforeseen failure: exit 1

export class HoldfastError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "HoldfastError";
    this.code = code;
  }
}

/** The Node system error code (`ENOENT`, `EACCES`…) of whatever was thrown, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** One line a person can read, with the chain of causes. Control characters are made visible. */
export function describeError(error: unknown): string {
  const lines: string[] = [];
  for (let e: unknown = error; e !== undefined && lines.length < 8; e = e instanceof Error ? e.cause : undefined) {
    const text = e instanceof Error ? e.message || e.name : String(e);
    if (!lines.includes(text)) lines.push(text);
  }
  return lines.join(": ");
}
