import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";
import { S3Error, invalidRequest, Violation } from "./s3-fake-error.ts";
import type { ChecksumName, FakeChecksum } from "./s3-fake-state.ts";

/** A request body, read to its end and checked against everything the request declared about it. */
export type Body = {
  readonly size: number;
  readonly md5: string;
  readonly checksum: FakeChecksum | null;
  /** Whether the request carried Content-MD5 or an x-amz-checksum value (header or trailer): the lock rule asks for it. */
  readonly proven: boolean;
  readonly chunks: readonly Buffer[] | null;
};

export const checksumHeaders: Readonly<Record<string, ChecksumName>> = {
  "x-amz-checksum-sha256": "SHA256",
  "x-amz-checksum-sha1": "SHA1",
  "x-amz-checksum-crc32": "CRC32",
};

type Summer = { update(chunk: Uint8Array): void; base64(): string };

export async function readBody(message: IncomingMessage, header: (name: string) => string | null, keep: boolean): Promise<Body> {
  const payload = header("x-amz-content-sha256");
  const declared = declaredChecksum(header);
  const trailerName = header("x-amz-trailer");
  const named = declared?.algorithm ?? (trailerName === null ? null : trailerChecksum(trailerName));
  const md5 = createHash("md5");
  const whole = payload !== null && /^[0-9a-f]{64}$/.test(payload) ? createHash("sha256") : null;
  // One hash does for the signed payload and the declared SHA-256.
  const shared = named === "SHA256" ? whole : null;
  const summer = named === null || shared !== null ? null : newSummer(named);
  const chunks: Buffer[] = [];
  let size = 0;
  const trailers = new Map<string, string>();
  const source = payload === "STREAMING-UNSIGNED-PAYLOAD-TRAILER" ? decodeChunked(message, trailers) : message;
  for await (const chunk of source) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("a request body gives buffers");
    size += chunk.length;
    md5.update(chunk);
    whole?.update(chunk);
    summer?.update(chunk);
    if (keep) chunks.push(chunk);
  }
  const md5hex = md5.digest("hex");
  const wholeDigest = whole?.digest() ?? null;
  if (wholeDigest !== null && wholeDigest.toString("hex") !== payload)
    throw new S3Error(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.");
  const length = header("x-amz-decoded-content-length");
  if (length !== null && Number(length) !== size) throw new S3Error(400, "IncompleteBody", "The request body terminated unexpectedly");
  checkMd5(header("content-md5"), md5hex);
  const value = declared?.value ?? (trailerName === null ? null : (trailers.get(trailerName) ?? null));
  if (trailerName !== null && value === null)
    throw new S3Error(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.");
  let checksum: FakeChecksum | null = null;
  if (named !== null && value !== null) {
    const actual = summer === null ? wholeDigest?.toString("base64") : summer.base64();
    if (actual !== value) throw new S3Error(400, "BadDigest", `The ${named} you specified did not match the calculated checksum.`);
    checksum = { algorithm: named, type: "FULL_OBJECT", value };
  }
  return { size, md5: md5hex, checksum, proven: checksum !== null || header("content-md5") !== null, chunks: keep ? chunks : null };
}

function declaredChecksum(header: (name: string) => string | null): { readonly algorithm: ChecksumName; readonly value: string } | null {
  const found = Object.entries(checksumHeaders).flatMap(([name, algorithm]) => {
    const value = header(name);
    return value === null ? [] : [{ algorithm, value, name }];
  });
  if (found.length > 1) throw invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  const only = found[0];
  if (only === undefined) return null;
  const bytes = { SHA256: 32, SHA1: 20, CRC32: 4 }[only.algorithm];
  const decoded = Buffer.from(only.value, "base64");
  if (decoded.length !== bytes || decoded.toString("base64") !== only.value) throw invalidRequest(`Value for ${only.name} header is invalid.`);
  return only;
}

function trailerChecksum(name: string): ChecksumName {
  const algorithm = checksumHeaders[name];
  if (algorithm === undefined) throw new Violation(`x-amz-trailer: ${name}`);
  return algorithm;
}

function checkMd5(given: string | null, hex: string): void {
  if (given === null) return;
  if (Buffer.from(given, "base64").length !== 16) throw new S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
  if (Buffer.from(given, "base64").toString("hex") !== hex)
    throw new S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
}

export function newSummer(algorithm: ChecksumName): Summer {
  if (algorithm === "CRC32") {
    let sum = 0;
    return {
      update: (chunk) => {
        sum = crc32(chunk, sum);
      },
      base64: () => {
        const out = Buffer.alloc(4);
        out.writeUInt32BE(sum);
        return out.toString("base64");
      },
    };
  }
  const hash = createHash(algorithm.toLowerCase());
  return { update: (chunk) => void hash.update(chunk), base64: () => hash.digest("base64") };
}

/** aws-chunked without chunk signatures: `hex CRLF bytes CRLF … 0 CRLF trailer: value CRLF CRLF`. */
async function* decodeChunked(message: IncomingMessage, trailers: Map<string, string>): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  let left = -1; // bytes still to come of the chunk, -1: its head is next
  let tail = false;
  for await (const piece of message) {
    if (!Buffer.isBuffer(piece)) throw new TypeError("a request body gives buffers");
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    while (!tail) {
      if (left < 0) {
        const end = held.indexOf("\r\n");
        if (end < 0) break;
        left = Number.parseInt(held.subarray(0, end).toString("latin1"), 16);
        if (!Number.isInteger(left)) throw invalidRequest("The chunk size is not a hexadecimal number");
        held = held.subarray(end + 2);
        if (left === 0) tail = true;
      } else if (left > 0) {
        const now = held.subarray(0, left);
        if (now.length === 0) break;
        yield now;
        held = held.subarray(now.length);
        left -= now.length;
      } else {
        if (held.length < 2) break;
        held = held.subarray(2);
        left = -1;
      }
    }
  }
  if (!tail) throw new S3Error(400, "IncompleteBody", "The request body terminated unexpectedly");
  for (const line of held.toString("latin1").split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}
