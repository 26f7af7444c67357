import { createHash } from "node:crypto";
import type { DigestLog } from "./digest-file.ts";
import type { LogLine, LogVerdict } from "./digest-line.ts";
import type { ChainOrder, ChainReader, Place } from "./digest-order.ts";
import { unpackOne } from "./digest-unpack.ts";

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

type Hashed =
  | { readonly kind: "hash"; readonly sha256: string }
  | { readonly kind: "missing" }
  | { readonly kind: "denied" | "damaged" | "too-large"; readonly why: string };

export async function hashLog(order: ChainOrder, reader: ChainReader, place: Place, signal: AbortSignal): Promise<Hashed> {
  const stored = await reader.log(place, signal);
  if (stored.kind === "missing") return stored;
  if (stored.kind === "denied") return { kind: "denied", why: `it could not be read: ${stored.reason}` };
  const hash = createHash("sha256");
  const unpacked = await unpackOne(stored.body, order.limits.logBytes, (piece) => hash.update(piece), signal);
  return unpacked.kind === "unpacked" ? { kind: "hash", sha256: hash.digest("hex") } : unpacked;
}
