import { parseRetryAfter } from "../../../src/core/backoff.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Origin } from "../disk-image/block-lines.ts";
import type { Wire } from "./link.ts";
import type { SdkCommand } from "./sdk.ts";

/** What is seen of one try, below the SDK's parser. */
export type Seen = {
  wire: Wire | null;
  date: string | null;
  requestId: string;
  retryAfterMs: number | null;
  /** S3's word for where a bucket lies. */
  bucketRegion: string | null;
  /** Where the SDK sent it. */
  origin: Origin | null;
  /** Our clock when the signed request left and when the answer's head came; null where it did not get so far. */
  sent: Date | null;
  received: Date | null;
};

export function nothingSeen(): Seen {
  return { wire: null, date: null, requestId: "", retryAfterMs: null, bucketRegion: null, origin: null, sent: null, received: null };
}

const limit = 64 * 2 ** 20;

/**
 * Notes an answer's head, and with `keep` its bytes exactly as they were received. Inside the SDK's deserializer, so that neither
 * its parser nor its renaming of fields stands between the service and what is kept.
 */
export function watch(command: SdkCommand, name: string, keep: boolean, now: () => Date): Seen {
  const seen = nothingSeen();
  command.middlewareStack.add(
    (next) => async (args) => {
      seen.sent = now();
      seen.origin = originOf(args.request);
      const result = await next(args);
      seen.received = now();
      const { response } = result;
      if (!isResponse(response)) return result;
      noteHead(seen, response.headers, seen.received);
      if (keep) {
        const bytes = await collect(response.body, limit, name);
        seen.wire = { status: response.statusCode, headers: { ...response.headers }, bytes };
        response.body = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // the same bytes in a view that the parser may make its own
      }
      return result;
    },
    { step: "deserialize", priority: "low", name: "holdfastWire" },
  );
  return seen;
}

export function noteHead(seen: Seen, headers: Readonly<Record<string, string>>, received: Date): void {
  seen.date = headers["date"] ?? null;
  seen.requestId = headers["x-amzn-requestid"] ?? headers["x-amz-request-id"] ?? headers["x-amzn-request-id"] ?? "";
  seen.bucketRegion = headers["x-amz-bucket-region"] ?? null;
  const again = headers["retry-after"];
  seen.retryAfterMs = again === undefined ? null : parseRetryAfter(again, received);
}

/** A place under another path than the root is none: only the SDK knows how to ask there. */
function originOf(request: unknown): Origin | null {
  if (typeof request !== "object" || request === null || !("hostname" in request) || !("protocol" in request)) return null;
  const { hostname, protocol } = request;
  const port = "port" in request && typeof request.port === "number" ? request.port : null;
  const path = "path" in request && typeof request.path === "string" ? request.path : "";
  if (typeof hostname !== "string" || typeof protocol !== "string" || !path.startsWith("/snapshots/")) return null;
  return { hostname, protocol, port };
}

/** Reads a body whole. Rejects with `unexpected` where it is longer than `most` bytes. */
export async function collect(body: unknown, most: number, name: string): Promise<Uint8Array> {
  if (body === undefined || body === null) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  if (!isIterable(body)) throw new HoldfastError("unexpected", `${name}: the answer has a body that cannot be read`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > most) throw new HoldfastError("unexpected", `${name}: the answer is longer than ${most} bytes, which it never should be`);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length);
}

type Response = { readonly statusCode: number; readonly headers: Readonly<Record<string, string>>; body: unknown };

function isResponse(value: unknown): value is Response {
  return typeof value === "object" && value !== null && "statusCode" in value && "headers" in value && "body" in value;
}

function isIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** RFC 9110 §10.2.3: seconds or a date. */
