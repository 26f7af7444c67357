import { describeError } from "../core/error.ts";
import type { ProbeAnswer } from "../core/vault.ts";
import type { Ask, S3Link } from "./s3-link.ts";
import { codeOf, isLockRefusal, troubleOf } from "./s3-trouble.ts";

/** A question that could not be answered is a bad answer, not a crash of the doctor. */
export async function asked(probe: string, signal: AbortSignal, ask: () => Promise<ProbeAnswer>): Promise<ProbeAnswer> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    const trouble = troubleOf(error);
    if (trouble === "lapsed") throw error;
    const text =
      trouble === "no-lock" ? "Object Lock is not enabled in this bucket: nothing stored there can be sealed" : `${codeOf(error)}: ${describeError(error)}`;
    return { probe, ok: false, fatal: true, text };
  }
}

/** A success is the bad answer; a refusal by the lock the good one; anything else proves nothing and says so. */
export async function mustBeRefused(
  link: S3Link,
  signal: AbortSignal,
  probe: string,
  good: string,
  bad: string,
  send: Ask<unknown>["send"],
): Promise<ProbeAnswer> {
  try {
    await link.ask({ what: `try to ${probe} a sentinel`, signal, send });
  } catch (error) {
    signal.throwIfAborted();
    if (isLockRefusal(error)) return { probe, ok: true, fatal: true, text: good };
    return { probe, ok: false, fatal: true, text: `it could not be seen whether ${good}: ${codeOf(error)}: ${describeError(error)}` };
  }
  return { probe, ok: false, fatal: true, text: bad };
}
