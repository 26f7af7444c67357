import { describeError, HoldfastError } from "../../core/error.ts";
import type { Fetch } from "../../core/ports.ts";

/** What a server outside answered, or why it gave no answer. */
export type Answer =
  | { readonly kind: "answered"; readonly status: number; readonly type: string; readonly body: Buffer }
  | { readonly kind: "silent"; readonly text: string };

export type Ask = { readonly url: string; readonly type: string | null; readonly body: Uint8Array | null };

/**
 * One request with a deadline and a bounded answer: the other side may be slow, endless or lying. No redirect is followed, because
 * it would lead to a server that nobody configured. Throws only the reason of `signal`.
 */
export async function boundedPost(fetch: Fetch, ask: Ask, limits: { readonly ms: number; readonly bytes: number }, signal: AbortSignal): Promise<Answer> {
  const deadline = AbortSignal.timeout(limits.ms);
  try {
    const response = await fetch(ask.url, {
      method: ask.body === null ? "GET" : "POST",
      headers: ask.type === null ? {} : { "content-type": ask.type },
      body: ask.body === null ? null : Buffer.from(ask.body),
      redirect: "manual",
      signal: AbortSignal.any([signal, deadline]),
    });
    const body = await bounded(response, limits.bytes);
    return { kind: "answered", status: response.status, type: response.headers.get("content-type") ?? "", body };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return { kind: "silent", text: deadline.aborted ? `no answer within ${limits.ms / 1000} s` : describeError(error) };
  }
}

async function bounded(response: Response, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  if (response.body !== null)
    for await (const part of response.body) {
      bytes += part.length;
      if (bytes > limit) throw new HoldfastError("unverifiable", `the answer is longer than ${limit} bytes`);
      parts.push(part);
    }
  return Buffer.concat(parts);
}
