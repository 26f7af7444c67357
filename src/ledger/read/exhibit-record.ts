import type { Exhibit } from "../../core/exhibit.ts";
import { HoldfastError } from "../../core/error.ts";
import { dueKeys, openCheckpoint } from "../format/checkpoint.ts";
import { formatVkey } from "../keys/log-key.ts";
import { type LogVkeys, readVkeys } from "../keys/log-keys.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { openProver } from "./proof-of.ts";
import { provenActs } from "./proven-acts.ts";
import { fields, list, text } from "../format/shape.ts";

const SCHEMA = "holdfast.exhibit/1";
/** Beside the object: what it is and who did what to it can be checked where it lies. */
export const RECORD_NAME = "exhibit.json";
export const MAX_RECORD_BYTES: number = 64 << 20;

/**
 * `exhibit.json` (FORMAT.md): the exhibit, its acts as they stand in the log, and for each the path to one signed checkpoint. A stranger
 * who has the verifier key needs nothing else, this ledger included.
 */
export function exhibitRecord(paths: LedgerPaths, exhibit: Exhibit): Buffer {
  const { origin, vkeys } = readVkeys(paths.keys);
  const prover = openProver(paths);
  try {
    const { note, checkpoint, acts: proven } = provenActs(prover, exhibit.acts.map(Number), exhibit.id);
    const acts = proven.map(({ seq, leaf, hashes }) => ({
      seq: String(seq),
      leaf: leaf.toString("base64"),
      path: hashes.map((hash) => hash.toString("base64")),
    }));
    const record = { schema: SCHEMA, origin, vkeys: dueKeys(vkeys, checkpoint.size).map(formatVkey), exhibit, acts, checkpoint: note.toString("utf8") };
    return Buffer.from(`${JSON.stringify(record, null, 1)}\n`);
  } finally {
    prover.close();
  }
}

/** Whether what lies beside an object is a record of ours for this exhibit: signed by our keys, with the first acts that it has here. */
export function isOwnRecord(bytes: Buffer, keys: LogVkeys, exhibit: Exhibit, leafAt: (seq: number) => Buffer): boolean {
  try {
    const record = fields(JSON.parse(bytes.toString("utf8")), ["schema", "origin", "vkeys", "exhibit", "acts", "checkpoint"], RECORD_NAME);
    const checkpoint = openCheckpoint(Buffer.from(text(record["checkpoint"], "checkpoint")), keys.origin, keys.vkeys);
    const acts = list(record["acts"], "acts", (item, where) => {
      const act = fields(item, ["seq", "leaf", "path"], where);
      return { seq: text(act["seq"], `${where}.seq`), leaf: text(act["leaf"], `${where}.leaf`) };
    });
    return (
      acts.length > 0 &&
      acts.every(({ seq, leaf }, i) => seq === exhibit.acts[i] && Number(seq) < checkpoint.size && leafAt(Number(seq)).toString("base64") === leaf)
    );
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof HoldfastError || error instanceof TypeError) return false;
    throw error;
  }
}
