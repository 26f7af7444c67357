import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describeError, HoldfastError } from "../../core/error.ts";
import { leafHash } from "../format/merkle.ts";
import { verifyInclusion } from "../format/merkle-proof.ts";
import { type Checkpoint, openCheckpoint } from "../format/checkpoint.ts";
import { decodeBase64 } from "../format/note.ts";
import { digits, list, record, text } from "../format/shape.ts";
import { parseTlogProof } from "../format/tlog-proof.ts";
import type { LogVkeys } from "../keys/log-keys.ts";
import { MAX_RECORD_BYTES } from "../read/exhibit-record.ts";

/** What a file that somebody keeps says of this log. `unread`: nothing may be concluded from it, neither good nor bad. */
export type ReceiptHead =
  | { readonly kind: "head"; readonly file: string; readonly checkpoint: Checkpoint }
  | { readonly kind: "unread"; readonly file: string; readonly why: string };

/** What `custody --json` prints, and what lies beside an object (FORMAT.md §16, §17). */
const SCHEMAS: readonly unknown[] = ["holdfast.custody/1", "holdfast.exhibit/1"];

/**
 * The signed heads in a folder and those below it: of records (`*.json` of one of our schemas), of `*.tlog-proof`, and of notes
 * (`checkpoint`, `*.checkpoint`). Any other file is no receipt; links are not followed. One file at a time is in memory.
 */
export async function* receiptHeads(folder: string, keys: LogVkeys, signal: AbortSignal): AsyncGenerator<ReceiptHead, void, undefined> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile() && /(\.json|\.tlog-proof|^checkpoint|\.checkpoint)$/.test(entry.name));
  for (const file of files.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    signal.throwIfAborted();
    const head = await headOf(file, keys);
    if (head !== null) yield head;
  }
}

async function headOf(file: string, keys: LogVkeys): Promise<ReceiptHead | null> {
  try {
    const { size } = await stat(file);
    if (size > MAX_RECORD_BYTES) return { kind: "unread", file, why: `it has ${size} bytes, and a receipt has at most ${MAX_RECORD_BYTES}` };
    const bytes = await readFile(file);
    const checkpoint = file.endsWith(".json") ? ofRecord(bytes, keys) : ofNote(file, bytes, keys);
    return checkpoint === null ? null : { kind: "head", file, checkpoint };
  } catch (error) {
    return { kind: "unread", file, why: describeError(error) };
  }
}

function ofNote(file: string, bytes: Buffer, keys: LogVkeys): Checkpoint {
  return openCheckpoint(file.endsWith(".tlog-proof") ? Buffer.from(parseTlogProof(bytes).checkpoint) : bytes, keys.origin, keys.vkeys);
}

/** A head, and leaves that lead to it; a path that does not makes the record worthless. Null for JSON of another kind. */
function ofRecord(bytes: Buffer, keys: LogVkeys): Checkpoint | null {
  const held = record(JSON.parse(bytes.toString("utf8")), "the record");
  if (!SCHEMAS.includes(held["schema"])) return null;
  const checkpoint = openCheckpoint(Buffer.from(text(held["checkpoint"], "checkpoint")), keys.origin, keys.vkeys);
  list(held["acts"], "acts", (item, where) => {
    const act = record(item, where);
    const seq = Number(digits(act["seq"], `${where}.seq`));
    const path = list(act["path"], `${where}.path`, base64);
    if (!verifyInclusion(leafHash(base64(act["leaf"], `${where}.leaf`)), seq, checkpoint.size, path, checkpoint.root))
      throw new HoldfastError("unverifiable", `its act ${seq} does not lead to the head that it names`);
  });
  return checkpoint;
}

function base64(value: unknown, where: string): Buffer {
  const bytes = decodeBase64(text(value, where));
  if (bytes === null) throw new HoldfastError("unverifiable", `${where} is not canonical base64`);
  return bytes;
}
