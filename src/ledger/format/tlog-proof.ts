import { HoldfastError } from "../../core/error.ts";
import { type Checkpoint, openCheckpoint, parseBody } from "./checkpoint.ts";
import type { Vkey } from "../keys/log-key.ts";
import { HASH_BYTES, type Hash } from "./merkle.ts";
import { verifyInclusion } from "./merkle-proof.ts";
import { decodeBase64, decodeUtf8, parseNote } from "./note.ts";

/** A C2SP tlog-proof: where an entry stands, the way from its leaf to the root, and the signed head, verbatim. */
export type TlogProof = {
  readonly index: number;
  readonly hashes: readonly Hash[];
  readonly checkpoint: string;
  /** Unauthenticated: nothing may rest on it. Ours have none. */
  readonly extra: Buffer | null;
};

const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_BYTES = 1 << 20;

export function formatTlogProof(proof: TlogProof): string {
  const extra = proof.extra === null ? "" : `extra ${proof.extra.toString("base64")}\n`;
  return `${HEADER}\n${extra}index ${proof.index}\n${proof.hashes.map((h) => `${h.toString("base64")}\n`).join("")}\n${proof.checkpoint}`;
}

/** Strict: one spelling for one proof, of exactly the length that index and size give. Says nothing about who signed. Throws `unverifiable`. */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  if (bytes.length > MAX_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  const text = decodeUtf8(bytes);
  const end = text.indexOf("\n\n");
  if (end < 0) throw malformed("no blank line before the checkpoint");
  const [header, ...lines] = text.slice(0, end).split("\n");
  if (header !== HEADER) throw malformed(`it does not begin with ${HEADER}`);
  const extraLine = lines[0]?.startsWith("extra ") === true ? lines.shift() : undefined;
  const extra = extraLine === undefined ? null : decodeBase64(extraLine.slice("extra ".length));
  if (extraLine !== undefined && extra === null) throw malformed("its extra line is not canonical base64");
  const digits = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "")?.[1];
  const index = Number(digits);
  if (!Number.isSafeInteger(index)) throw malformed("its index line is not `index N` in plain digits");
  const hashes = lines.map((line) => {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_BYTES) throw malformed(`${JSON.stringify(line.slice(0, 60))} is not the base64 of a SHA-256 hash`);
    return hash;
  });
  const checkpoint = text.slice(end + 2);
  const { size } = parseBody(parseNote(Buffer.from(checkpoint)).text);
  if (index >= size) throw malformed(`its index ${index} is not in a tree of ${size}`);
  if (hashes.length !== pathLength(index, size)) throw malformed(`it has ${hashes.length} hashes where ${index} of ${size} needs ${pathLength(index, size)}`);
  return { index, hashes, checkpoint, extra };
}

/** Strict in all: form, keys, leaf, path. Gives the checkpoint under which the leaf is included. Throws `unverifiable`. */
export function openTlogProof(bytes: Uint8Array, leaf: Hash, origin: string, vkeys: readonly Vkey[]): Checkpoint & { readonly index: number } {
  const proof = parseTlogProof(bytes);
  const checkpoint = openCheckpoint(Buffer.from(proof.checkpoint), origin, vkeys);
  if (!verifyInclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root))
    throw new HoldfastError(
      "unverifiable",
      `the proof does not lead from this leaf at index ${proof.index} to the root of the checkpoint of ${checkpoint.size}`,
    );
  return { ...checkpoint, index: proof.index };
}

/** How many siblings an audit path has (RFC 6962 §2.1.1): one for each split on the way down, of which there are at most 53. */
export function pathLength(index: number, size: number): number {
  let length = 0;
  for (let at = index, count = size; count > 1; length += 1) {
    let left = 1;
    while (left * 2 < count) left *= 2;
    if (at < left) count = left;
    else {
      at -= left;
      count -= left;
    }
  }
  return length;
}

function malformed(what: string): HoldfastError {
  return new HoldfastError("unverifiable", `this is not a C2SP tlog-proof: ${what}`);
}
