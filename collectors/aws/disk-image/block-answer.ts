import { copyBytes } from "../../../src/stream/copy-bytes.ts";

/** An HTTP/1.1 answer whose body was put where it belongs. */
export type PlainAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Whether the connection may be used again. */
  readonly keep: boolean;
};

/** An answer that is good HTTP and beyond this reader (chunked, without a length): for the SDK's client. */
export class NotPlain extends Error {
  override readonly name: string = "NotPlain";
}

const headMost = 32 * 1024;
const smallMost = 64 * 1024;

type Head = Omit<PlainAnswer, "body">;

/**
 * Reads one answer with a Content-Length from pieces as they come. The body of a success goes into `room()`, which is asked for with
 * its first byte; a refusal's, which is small, into memory of its own. Throws on whatever is not such an answer.
 */
export function answerReader(room: () => Uint8Array): (piece: Buffer) => PlainAnswer | null {
  let start: Buffer = Buffer.alloc(0);
  let open: { readonly head: Head; readonly body: Buffer; at: number } | null = null;

  function put(piece: Buffer, from: number): PlainAnswer | null {
    if (open === null) return null;
    const { head, body } = open;
    const end = Math.min(piece.length, from + body.length - open.at);
    if (end < piece.length) throw new Error("an answer has more bytes than its Content-Length");
    copyBytes(piece, from, end, body, open.at);
    open.at += end - from;
    return open.at < body.length ? null : { ...head, body };
  }

  return (piece) => {
    if (open !== null) return put(piece, 0);
    const known = start.length;
    if (known > 0) start = Buffer.concat([start, piece]);
    const text = known > 0 ? start : piece;
    const end = text.indexOf("\r\n\r\n", Math.max(0, known - 3));
    if (end > headMost || (end < 0 && text.length > headMost)) throw new Error("the head of an answer is longer than 32 KiB");
    if (end < 0) {
      start = Buffer.from(text); // the piece is the connection's buffer, which is read into again
      return null;
    }
    const head = parseHead(text.toString("latin1", 0, end));
    const length = lengthOf(head);
    const from = end + 4 - known;
    const place = head.status === 200 ? room() : new Uint8Array(Math.min(length, smallMost));
    if (length > place.length) throw new NotPlain(`${length} bytes, and there is room for ${place.length}`);
    open = { head, body: Buffer.from(place.buffer, place.byteOffset, length), at: 0 };
    return put(piece, from);
  };
}

function lengthOf({ status, headers }: Head): number {
  const length = headers["content-length"];
  if (headers["transfer-encoding"] !== undefined || headers["content-encoding"] !== undefined || length === undefined || !/^\d{1,9}$/.test(length))
    throw new NotPlain(`status ${status} without a plain Content-Length`);
  return Number(length);
}

/** RFC 9112 §4, §5: a header that comes twice, or that is folded, is not one of a service that we know. */
function parseHead(text: string): Omit<PlainAnswer, "body"> {
  const [first = "", ...lines] = text.split("\r\n");
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first) ?? [];
  if (minor === undefined || status === undefined) throw new Error("what answers does not speak HTTP/1.1");
  if (status.startsWith("1")) throw new NotPlain(`an interim answer ${status}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error("an answer has a header that is none");
    const key = name.toLowerCase();
    if (Object.hasOwn(headers, key) && /^(content-length|transfer-encoding|x-amz-)/.test(key)) throw new Error(`an answer has ${key} twice`);
    headers[key] = value;
  }
  return { status: Number(status), headers, keep: minor === "1" && !/close/i.test(headers["connection"] ?? "") };
}
