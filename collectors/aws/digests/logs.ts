import { createHash } from "node:crypto";
import type { DigestLog } from "./file.ts";
import type { LogLine, LogVerdict } from "./line.ts";
import type { ChainOrder, ChainReader, Place } from "./order.ts";
import { unpackOne } from "./unpack.ts";

/** Compares a log file with what a signed digest says of it: the SHA-256 of its unpacked content, in its place. */
export async function checkLog(order: ChainOrder, reader: ChainReader, log: DigestLog, digest: string, signal: AbortSignal): Promise<LogLine> {
  const say = (verdict: LogVerdict, text: string | null): LogLine => ({ kind: "log", ...log.place, verdict, text, digest });
  const found = await hashLog(order, reader, log.place, signal);
  switch (found.kind) {
    case "hash":
      return found.sha256 === log.sha256 ? say("valid", null) : say("altered", `its content has the SHA-256 ${found.sha256}; its digest names ${log.sha256}`);
    case "missing":
      return say("missing", "its digest names it, and it is not there");
    case "denied":
    case "damaged":
    case "too-large":
      return say(found.kind, found.why);
    default:
      return found satisfies never;
  }
}

/** What unpacking gave: the SHA-256 of a log file's content, or why there is none. */
export type HashedLog = { readonly kind: "hash"; readonly sha256: string } | { readonly kind: "damaged" | "too-large"; readonly why: string };

type Hashed = HashedLog | { readonly kind: "missing" } | { readonly kind: "denied"; readonly why: string };

export async function hashLog(order: ChainOrder, reader: ChainReader, place: Place, signal: AbortSignal): Promise<Hashed> {
  const stored = await reader.log(place, signal);
  if (stored.kind === "missing") return stored;
  if (stored.kind === "denied") return { kind: "denied", why: `it could not be read: ${stored.reason}` };
  return stored.kind === "found" ? hashContent(order.limits.logBytes, stored.body, signal) : stored;
}

/** Unpacks a log file as it passes and hashes its content. */
export async function hashContent(limit: number, packed: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<HashedLog> {
  const hash = createHash("sha256");
  const unpacked = await unpackOne(packed, limit, (piece) => hash.update(piece), signal);
  return unpacked.kind === "unpacked" ? { kind: "hash", sha256: hash.digest("hex") } : unpacked;
}
