import { hash } from "node:crypto";
import { type TileLevel, tilePath } from "../format/tlog-tiles.ts";

/** Where the mirrors of all logs lie in a vault. */
export const MIRRORS = "ledger/";

/** A path segment of a directory vault holds at most 200 bytes (src/vault/directory-paths.ts). */
const SEGMENT_BYTES = 200;

/**
 * The folder of a log's mirror: its origin with what not every store can name written as %XX, and a digest of the origin where it
 * is too long for a name. `log.vkey` in the folder says whose it is.
 */
export function mirrorFolder(origin: string): string {
  const segments = origin.split("/").map(segment);
  const path = segments.some((name) => name.length > SEGMENT_BYTES) ? `sha256-${hash("sha256", origin, "hex")}` : segments.join("/");
  return `${MIRRORS}${path}/`;
}

function segment(text: string): string {
  if (text === "") return "%";
  const escaped = [...Buffer.from(text)].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return /^\.\.?$/.test(text) ? escaped.join("").replaceAll(".", "%2E") : escaped.join("");
}

/** Twenty digits: keys sort as sizes do. */
export function checkpointName(size: number): string {
  return `checkpoint/${String(size).padStart(20, "0")}`;
}

/** Null for what is no name of a checkpoint. */
export function sizeOfName(name: string): number | null {
  const digits = /^checkpoint\/(\d{20})$/.exec(name)?.[1];
  const size = Number(digits);
  return digits !== undefined && Number.isSafeInteger(size) ? size : null;
}

/** The list of keys, anew for each generation of them: what is mirrored is never written over. */
export function vkeyName(from: number): string {
  return from === 0 ? VKEY_NAME : `${VKEY_NAME}-${String(from).padStart(20, "0")}`;
}

export function isVkeyName(name: string): boolean {
  return /^log\.vkey(-\d{20})?$/.test(name);
}

const VKEY_NAME = "log.vkey";

export function bundleName(n: number, width: number): string {
  const level: TileLevel = "entries";
  return tilePath(level, n, width);
}
