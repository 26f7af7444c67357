import { backoffMs } from "../../../src/core/backoff.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Random } from "../../../src/core/ports.ts";
import { atHome, type BucketHomes, learnHome } from "./bucket-home.ts";
import { type CallName, rowOf } from "../calls/calls.ts";
import { explain } from "./explain.ts";
import type { Answer, AskOptions, Observed } from "./link.ts";
import type { Request, Transport, Tried } from "./transport.ts";
import { codeOf, isRefusal, reasonOf, requestIdOf, textOf, type Trouble, troubleOf } from "./trouble.ts";

export type Persistence = {
  readonly transport: Transport;
  readonly endpoint: string | null;
  readonly homes: BucketHomes;
  readonly random: Random;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly observe: ((call: Observed) => void) | null;
  /** Tries of one call before it counts as failed. `first`: where no service ever answered to these credentials, and likely none will. */
  readonly tries: { readonly throttled: number; readonly broken: number; readonly first: number };
};

/** Asks until there is an answer. Refusals are answers; rejects where there is none (link.ts says how). */
export async function persist(
  how: Persistence,
  asked: Request,
  { settle, throttled, throttledTries = how.tries.throttled }: Pick<AskOptions<unknown>, "settle" | "throttled" | "throttledTries">,
): Promise<Answer<unknown>> {
  const { session, name, signal } = asked;
  const row = rowOf(name);
  const once = row.changes && row.repeatable !== true;
  let request = atHome(how.homes, asked);
  let renewed = false;
  let moved = false;
  const failed = { throttled: 0, broken: 0 };
  for (;;) {
    signal.throwIfAborted();
    const generation = session.generation();
    const tried = await how.transport.once(request);
    // S3 did nothing but say where: also what changes something may be asked there.
    if (!moved && learnHome(how.homes, request, tried) !== null) {
      moved = true;
      request = atHome(how.homes, asked);
      continue;
    }
    const answer = answerOf(name, tried);
    if (answer !== null) {
      session.answered = true;
      const { kind, requestId, date } = answer;
      const { sent, received } = tried.seen;
      if (sent !== null && received !== null) how.observe?.({ scope: session.scope, region: request.region, name, kind, requestId, date, sent, received });
      return answer;
    }
    signal.throwIfAborted();
    const error = tried.ok ? null : tried.error;
    // Not of this call: a role that may not be assumed, a body that is too long.
    if (error instanceof HoldfastError) throw error;
    const trouble = troubleOf(error);
    if (trouble === "lapsed" || trouble === "rejected") {
      if (session.generation() !== generation) continue;
      if (!renewed && (session.answered || requestIdOf(error) !== "")) {
        renewed = true;
        session.renew(generation);
        continue;
      }
    }
    if (trouble === "throttled") throttled?.(codeOf(error), reasonOf(error));
    const tries = ++failed[trouble === "throttled" ? "throttled" : "broken"];
    const most = trouble === "throttled" ? throttledTries : mostTries(how, trouble, session.answered);
    if (tries >= most || (trouble === "unknown" && once && settle === undefined))
      throw explain({ what: `${name} in ${request.region}`, endpoint: how.endpoint, answered: session.answered, tries, changes: row.changes }, error, trouble);
    await how.sleep(backoffMs(how.random, tries, tried.seen.retryAfterMs), signal);
    const settled = trouble === "unknown" && settle !== undefined ? await settle() : null;
    if (settled !== null) return settled;
  }
}

function mostTries({ tries }: Persistence, trouble: Trouble, answered: boolean): number {
  if (trouble === "unknown" || trouble === "unsent") return answered ? tries.broken : Math.min(tries.first, tries.broken);
  return 1;
}

function answerOf(call: CallName, tried: Tried): Answer<unknown> | null {
  const { date, wire, requestId } = tried.seen;
  if (tried.ok) return { kind: "answer", value: tried.value, requestId, date, wire };
  const trouble = troubleOf(tried.error);
  if (trouble === "dry-run") return { kind: "answer", value: null, requestId, date, wire };
  if (!isRefusal(trouble) || tried.error instanceof HoldfastError) return null;
  // EC2 adds a kilobyte that only the account itself can decode.
  const text = textOf(tried.error).replace(/\s*Encoded authorization failure message:.*$/s, "");
  return { kind: "refused", call, trouble, code: codeOf(tried.error), text, requestId: requestId || requestIdOf(tried.error), date, wire };
}
