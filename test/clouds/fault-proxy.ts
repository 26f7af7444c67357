/**
 * Scripted misfortune between the SDK and any S3 server.
 *
 *     const proxy = await startFaultProxy(fake.url, [
 *       { on: "UploadPart", times: 3, does: { kind: "answer", status: 503, code: "SlowDown", retryAfter: 1 } },
 *       { on: "CompleteMultipartUpload", does: { kind: "reset-after" } },                  // the lost answer
 *       expiredToken(20, 5),                                                             // from the 20th request on, five times
 *     ]);
 *     new S3Client({ ...fake.clientConfig, endpoint: proxy.url });
 *     proxy.add({ … }); proxy.clear(); expect(proxy.fired).toHaveLength(1); await proxy.stop();
 *
 * Each fault counts the requests that match it; it acts on those from `from` (default the first) for `times` (default once).
 */
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { errorDocument } from "./s3-fake-xml.ts";
import { answerXml, type Exchange, type S3Proxy, type ProxyOperation, relay, startProxy } from "./proxy.ts";

export type FaultAction =
  /** Answered here, never forwarded. `retryAfter` in seconds. */
  | { readonly kind: "answer"; readonly status: number; readonly code: string; readonly message?: string; readonly retryAfter?: number }
  /** The connection is reset before the server hears of it; after that many bytes of the body (default 0). */
  | { readonly kind: "reset-before"; readonly afterBytes?: number }
  /** The server has done it, the answer is lost. */
  | { readonly kind: "reset-after" }
  /** One bit of the byte at `offset` of the body is turned on its way. */
  | { readonly kind: "corrupt-request"; readonly offset: number }
  | { readonly kind: "corrupt-answer"; readonly offset: number }
  /** Nothing moves for that long, then all goes on. */
  | { readonly kind: "stall"; readonly milliseconds: number }
  | { readonly kind: "stall-answer"; readonly milliseconds: number }
  /** Status 200 with an <Error> body, with or without having done it. */
  | { readonly kind: "error-in-200"; readonly code: string; readonly commit: boolean }
  /** The answer's head, that many bytes of its body, then a reset. */
  | { readonly kind: "truncate-answer"; readonly afterBytes: number }
  /** Both directions, in bytes per second. */
  | { readonly kind: "slow"; readonly bytesPerSecond: number };

export type Fault = {
  readonly on: ProxyOperation | "any" | readonly ProxyOperation[];
  /** Only this part of an upload. */
  readonly part?: number;
  /** From the n-th matching request on; from 1. */
  readonly from?: number;
  readonly times?: number;
  readonly does: FaultAction;
};

export type FaultProxy = S3Proxy & {
  /** What was done, in order. */
  readonly fired: readonly { readonly operation: ProxyOperation; readonly kind: FaultAction["kind"]; readonly key: string }[];
  add(fault: Fault): void;
  clear(): void;
};

export function expiredToken(from: number, times: number = Number.POSITIVE_INFINITY): Fault {
  return { on: "any", from, times, does: { kind: "answer", status: 400, code: "ExpiredToken", message: "The provided token has expired." } };
}

export async function startFaultProxy(upstream: string, faults: readonly Fault[]): Promise<FaultProxy> {
  let script = faults.map((fault) => ({ fault, matched: 0 }));
  const fired: { operation: ProxyOperation; kind: FaultAction["kind"]; key: string }[] = [];
  const proxy = await startProxy(upstream, async (exchange) => {
    let chosen: FaultAction | null = null;
    for (const entry of script) {
      if (!matches(entry.fault, exchange)) continue;
      entry.matched += 1;
      const from = entry.fault.from ?? 1;
      if (chosen === null && entry.matched >= from && entry.matched < from + (entry.fault.times ?? 1)) chosen = entry.fault.does;
    }
    if (chosen === null) return relay(exchange, await exchange.forward());
    fired.push({ operation: exchange.operation, kind: chosen.kind, key: exchange.key });
    await act(chosen, exchange);
  });
  return {
    ...proxy,
    fired,
    add: (fault) => void script.push({ fault, matched: 0 }),
    clear: () => {
      script = [];
    },
  };
}

function matches(fault: Fault, exchange: Exchange): boolean {
  if (fault.part !== undefined && exchange.query.get("partNumber") !== String(fault.part)) return false;
  if (fault.on === "any") return true;
  return typeof fault.on === "string" ? fault.on === exchange.operation : fault.on.includes(exchange.operation);
}

async function act(action: FaultAction, exchange: Exchange): Promise<void> {
  const { message, response } = exchange;
  switch (action.kind) {
    case "answer":
      return answerXml(exchange, action.status, errorXml(action.code, action.message ?? action.code), {
        ...(action.retryAfter === undefined ? {} : { "retry-after": String(action.retryAfter) }),
        ...(action.status >= 500 ? { connection: "close" } : {}),
      });
    case "reset-before":
      await consume(message, action.afterBytes ?? 0);
      return reset(message);
    case "reset-after": {
      const answer = await exchange.forward();
      for await (const chunk of answer) void chunk;
      return reset(message);
    }
    case "corrupt-request":
      return relay(exchange, await exchange.forward(turnBit(message, action.offset)));
    case "corrupt-answer":
      return relay(exchange, await exchange.forward(), { body: (body) => turnBit(body, action.offset) });
    case "stall":
      await sleep(action.milliseconds, undefined, { ref: false });
      return response.destroyed ? undefined : relay(exchange, await exchange.forward());
    case "stall-answer": {
      const answer = await exchange.forward();
      await sleep(action.milliseconds, undefined, { ref: false });
      return response.destroyed ? undefined : relay(exchange, answer);
    }
    case "error-in-200":
      if (action.commit) for await (const chunk of await exchange.forward()) void chunk;
      return answerXml(exchange, 200, errorXml(action.code, "We encountered an internal error. Please try again."));
    case "truncate-answer": {
      const answer = await exchange.forward();
      return relay(exchange, answer, { body: (body) => cutShort(body, action.afterBytes, message) });
    }
    case "slow":
      return relay(exchange, await exchange.forward(slowly(message, action.bytesPerSecond)), { body: (body) => slowly(body, action.bytesPerSecond) });
    default:
      throw new TypeError(`no such fault: ${JSON.stringify(action satisfies never)}`);
  }
}

function errorXml(code: string, message: string): string {
  return errorDocument([
    ["Code", code],
    ["Message", message],
    ["RequestId", "PROXY"],
  ]);
}

function reset(message: IncomingMessage): void {
  message.socket.resetAndDestroy();
}

async function consume(message: IncomingMessage, bytes: number): Promise<void> {
  let had = 0;
  if (bytes === 0) return;
  for await (const chunk of message) {
    if (Buffer.isBuffer(chunk)) had += chunk.length;
    if (had >= bytes) return;
  }
}

async function* turnBit(body: AsyncIterable<Buffer>, offset: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of body) {
    const place = offset - at;
    if (place >= 0 && place < chunk.length) {
      const copy = Buffer.from(chunk);
      copy[place] = (copy[place] ?? 0) ^ 1;
      yield copy;
    } else yield chunk;
    at += chunk.length;
  }
}

async function* cutShort(body: AsyncIterable<Buffer>, bytes: number, message: IncomingMessage): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of body) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) break;
  }
  await sleep(20); // what was given has to leave before the reset
  reset(message);
}

async function* slowly(body: AsyncIterable<Buffer>, rate: number): AsyncGenerator<Buffer> {
  const begun = performance.now();
  let given = 0;
  for await (const chunk of body) {
    given += chunk.length;
    const ahead = (given / rate) * 1000 - (performance.now() - begun);
    if (ahead > 5) await sleep(ahead);
    yield chunk;
  }
}
